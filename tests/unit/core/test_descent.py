"""The closed form against a loop of torch's autograd, step by step."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from service.core.blocks import Batch
from service.core.descent import MAX_EPOCHS, Descent, history_epochs, powers
from service.core.optimum import LeastSquares, Optimum
from service.core.statistics import gather

EPOCHS = 30


def loop(batch, w, b, rate, epochs, *, fit_intercept, standardize, l2):
    """Plain gradient descent by autograd on Σw(ŷ−y)²/Σw + l2·‖w‖², on standardised columns if requested.

    Yield w, b and the mean squared error, in the user's units, before the first step and after each.
    """
    x, y = torch.from_numpy(batch.x), torch.from_numpy(batch.y)
    weight = torch.ones(len(y), dtype=torch.float64) if batch.weight is None else torch.from_numpy(batch.weight)
    share = weight / weight.sum()
    shift, scale = torch.zeros(x.shape[1], dtype=torch.float64), torch.ones(x.shape[1], dtype=torch.float64)
    if standardize:
        shift = (share[:, None] * x).sum(0) if fit_intercept else shift
        scale = (share[:, None] * (x - shift) ** 2).sum(0).sqrt()
    z = (x - shift) / scale
    v = (torch.from_numpy(w) * scale).requires_grad_()
    a = torch.tensor(b + float((torch.from_numpy(w) * shift).sum()), dtype=torch.float64, requires_grad=fit_intercept)
    for _ in range(epochs + 1):
        with torch.no_grad():
            slope = v / scale
            intercept = a - (slope * shift).sum()
            loss = (share * (x @ slope + intercept - y) ** 2).sum()
            yield slope.numpy().copy(), float(intercept), float(loss)
        objective = (share * (z @ v + a - y) ** 2).sum() + l2 * ((v / scale) ** 2).sum()
        objective.backward()
        for parameter in (v, a):
            if parameter.grad is not None:
                with torch.no_grad():
                    parameter.sub_(rate * parameter.grad)
                parameter.grad = None


def random_problem(seed, d, *, weighted, started):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(40, d)) * 10 ** generator.uniform(-0.7, 0.7, d) + generator.normal(size=d)
    y = x @ generator.normal(size=d) + generator.normal(size=40) + 2
    weight = generator.uniform(0.1, 3, 40) if weighted else None
    start = (generator.normal(size=d), generator.normal()) if started else (np.zeros(d), 0.0)
    return Batch(x, y, weight), *start


def descent_of(batch, w, b, *, fit_intercept, standardize, l2):
    problem = LeastSquares.of(gather([batch], batch.x.shape[1]), fit_intercept=fit_intercept)
    return Descent.of(Optimum.of(problem, l2), w, b, standardize=standardize)


def assert_equals_the_loop(batch, w, b, fraction_of_bound, **options):
    b = b if options["fit_intercept"] else 0.0
    descent = descent_of(batch, w, b, **options)
    rate = fraction_of_bound * descent.max_stable_rate
    slopes, intercepts, levels = descent.at(rate, np.arange(EPOCHS + 1))
    losses = descent.optimum.problem.mean_squared_error(slopes, levels)
    expected = list(loop(batch, w, b, rate, EPOCHS, **options))
    largest = max(max(np.abs(slope).max(), abs(intercept)) for slope, intercept, _ in expected)
    for epoch, (slope, intercept, loss) in enumerate(expected):
        assert np.abs(slopes[epoch] - slope).max() <= 1e-9 * largest
        assert abs(intercepts[epoch] - intercept) <= 1e-9 * largest
        assert losses[epoch] == pytest.approx(loss, rel=1e-9)


@pytest.mark.parametrize("d", range(1, 9))
@pytest.mark.parametrize(
    ("fit_intercept", "standardize", "weighted", "l2", "started"),
    list(itertools.product([True, False], [True, False], [True, False], [0.0, 0.3], [True, False])),
)
@pytest.mark.parametrize("fraction_of_bound", [0.1, 0.93], ids=["positive factors", "negative factors"])
def test_every_step_is_that_of_the_loop(d, fit_intercept, standardize, weighted, l2, started, fraction_of_bound):
    problem = random_problem(d, d, weighted=weighted, started=started)
    options = {"fit_intercept": fit_intercept, "standardize": standardize, "l2": l2}
    assert_equals_the_loop(*problem, fraction_of_bound, **options)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 8),
    st.floats(0.001, 0.999),
    st.floats(0, 10),
    st.tuples(st.booleans(), st.booleans(), st.booleans(), st.booleans()),
)
def test_every_step_is_that_of_the_loop_on_random_problems(seed, d, fraction_of_bound, l2, flags):
    fit_intercept, standardize, weighted, started = flags
    problem = random_problem(seed, d, weighted=weighted, started=started)
    options = {"fit_intercept": fit_intercept, "standardize": standardize, "l2": l2}
    assert_equals_the_loop(*problem, fraction_of_bound, **options)


@pytest.mark.parametrize("standardize", [True, False])
def test_collinear_columns_descend_as_the_loop_and_keep_their_undetermined_part(standardize):
    batch, w, b = random_problem(1, 3, weighted=False, started=True)
    batch.x[:, 2] = batch.x[:, 0] - 2 * batch.x[:, 1]
    assert_equals_the_loop(batch, w, b, 0.6, fit_intercept=True, standardize=standardize, l2=0.0)


def test_a_constant_column_descends_as_the_loop_without_standardising():
    batch, w, b = random_problem(2, 2, weighted=False, started=True)
    batch.x[:, 1] = 7.25
    assert_equals_the_loop(batch, w, b, 0.6, fit_intercept=True, standardize=False, l2=0.0)


@pytest.mark.parametrize("l2", [1e6, 1e18, 1e30, 1e40])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_steps_with_a_large_penalty_are_those_of_exact_arithmetic(l2, fit_intercept):
    x, y = [1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 4.0, 5.0]
    descent = descent_of(
        Batch(np.array([x]).T, np.array(y)), np.zeros(1), 0.0, fit_intercept=fit_intercept, standardize=False, l2=l2
    )
    rate = 0.9 * descent.auto_rate
    w, b, _ = descent.at(rate, np.arange(4))
    slope = intercept = Fraction(0)
    for epoch in range(4):
        assert w[epoch, 0] == pytest.approx(float(slope), rel=1e-14, abs=0)
        assert b[epoch] == pytest.approx(float(intercept), rel=1e-14, abs=0)
        errors = [slope * Fraction(one) + intercept - Fraction(other) for one, other in zip(x, y, strict=True)]
        gradient = sum(error * Fraction(one) for error, one in zip(errors, x, strict=True)) / 2
        slope, intercept = (
            slope - Fraction(rate) * (gradient + 2 * Fraction(l2) * slope),
            intercept - Fraction(rate) * sum(errors) / 2 * fit_intercept,
        )


def test_a_standardised_constant_column_keeps_its_start():
    batch, w, b = random_problem(3, 2, weighted=False, started=True)
    batch.x[:, 1] = 0.1
    descent = descent_of(batch, w, b, fit_intercept=True, standardize=True, l2=0.0)
    assert descent.limit.w[1] == w[1]
    assert list(descent.optimum.unidentified) == [False, True]


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("l2", [0.0, 0.5])
def test_the_limit_is_the_optimum_for_any_path(standardize, l2):
    batch, w, b = random_problem(4, 5, weighted=True, started=True)
    descent = descent_of(batch, w, b, fit_intercept=True, standardize=standardize, l2=l2)
    np.testing.assert_array_equal(descent.limit.w, descent.optimum.w)
    steps = descent.epochs_to_limit(descent.auto_rate)
    far_w, far_b, far_level = descent.at(descent.auto_rate, np.array([steps]))
    np.testing.assert_allclose(far_w[0], descent.limit.w, rtol=1e-13)
    assert far_b[0] == pytest.approx(descent.limit.b, rel=1e-12)
    assert descent.has_converged(far_w[0], float(far_level[0]))
    assert not descent.has_converged(w, b + w @ descent.optimum.problem.centre)


@pytest.mark.parametrize("fraction_of_bound", [0.01, 0.5, 0.75, 0.999])
def test_the_epochs_to_the_limit_are_the_smallest_that_suffice(fraction_of_bound):
    batch, w, b = random_problem(5, 3, weighted=False, started=True)
    descent = descent_of(batch, w, b, fit_intercept=True, standardize=True, l2=0.0)
    rate = fraction_of_bound * descent.max_stable_rate
    steps = descent.epochs_to_limit(rate)
    left = np.abs(powers(rate * descent.eigenvalues, np.array([steps - 1, steps]))[0]).max(axis=1)
    assert left[1] <= 2.0**-53 * (1 + 1e-12)
    assert left[0] > 2.0**-53 * (1 - 1e-12)


def test_a_limit_past_all_epochs_is_none():
    batch, w, b = random_problem(6, 2, weighted=False, started=False)
    descent = descent_of(batch, w, b, fit_intercept=True, standardize=True, l2=0.0)
    assert descent.epochs_to_limit(1e-17) is None
    assert descent.epochs_to_limit(1e-300) is None


def test_one_step_at_the_best_rate_of_a_single_standardised_column_is_the_optimum():
    batch, w, b = random_problem(7, 1, weighted=False, started=True)
    descent = descent_of(batch, w, b, fit_intercept=True, standardize=True, l2=0.0)
    assert descent.epochs_to_limit(descent.auto_rate) == 1


def test_data_without_curvature_leaves_the_start_unchanged():
    nothing = Batch(np.zeros((3, 2)), np.ones(3))
    descent = descent_of(nothing, np.array([4.0, 5.0]), 0.0, fit_intercept=False, standardize=True, l2=0.0)
    assert descent.max_stable_rate is None
    assert descent.epochs_to_limit(descent.auto_rate) == 0
    np.testing.assert_array_equal(descent.limit.w, [4.0, 5.0])


@given(st.floats(1e-12, 2 - 1e-12), st.integers(0, 2000))
def test_powers_are_those_of_exact_arithmetic(step, epochs):
    exact = pow_exactly(step, epochs)
    power, change = powers(np.array([step]), np.array([epochs]))
    assert power[0, 0] == pytest.approx(exact, rel=1e-11, abs=1e-300)
    assert change[0, 0] == pytest.approx(exact - 1, rel=1e-11, abs=1e-15)


def pow_exactly(step, epochs):
    factor = 1 - Fraction(step)
    if factor == 0:
        return float(epochs == 0)
    sign = -1 if factor < 0 and epochs % 2 else 1
    log = math.log(abs(factor)) if abs(factor) < Fraction(1, 2) else math.log1p(float(abs(factor) - 1))
    return sign * math.exp(epochs * log)


def test_a_factor_of_zero_is_one_before_the_first_step_and_zero_after():
    np.testing.assert_array_equal(powers(np.array([1.0]), np.array([0, 1, 2]))[0], [[1.0], [0.0], [0.0]])


@pytest.mark.parametrize("last", [0, 1, 99, 100, 101, 150, 1000, 10**6, MAX_EPOCHS])
def test_a_history_shows_every_epoch_to_100_then_fewer_and_ends_at_the_last(last):
    epochs = history_epochs(last)
    assert len(epochs) <= 500
    assert epochs[0] == 0
    assert epochs[-1] == last
    assert (np.diff(epochs) > 0).all()
    np.testing.assert_array_equal(epochs[: min(last, 100) + 1], np.arange(min(last, 100) + 1))
