"""Inference against statsmodels, data sets of NIST and exact rationals."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy import special
from sklearn.datasets import load_diabetes

from service.core.blocks import Batch
from service.core.inference import infer
from service.core.intervals import Intervals
from service.core.optimum import LeastSquares, Optimum
from service.core.statistics import decay, gather
from tests.unit.core.exact_fits import NIST_NAMES, nist, rationals, solve, sums_of_squares, weighted_product


@pytest.fixture(scope="module")
def diabetes():
    return load_diabetes(return_X_y=True)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_coefficients_errors_and_r2_are_those_of_statsmodels(diabetes, weighted, fit_intercept):
    x, y = diabetes
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y)) if weighted else None
    design = sm.add_constant(x) if fit_intercept else x
    oracle = (sm.WLS(y, design, weight) if weighted else sm.OLS(y, design)).fit()
    optimum, inference = solve(x, y, weight, fit_intercept=fit_intercept)
    b, error_b = ([optimum.b], [inference.std_errors.b]) if fit_intercept else ([], [])
    np.testing.assert_allclose([*b, *optimum.w], oracle.params, rtol=1e-10)
    np.testing.assert_allclose([*error_b, *inference.std_errors.w], oracle.bse, rtol=1e-10)
    assert inference.r2 == pytest.approx(oracle.rsquared, rel=1e-10)
    assert_all_statistics_are_those_of(oracle, inference, fit_intercept=fit_intercept)


def assert_all_statistics_are_those_of(oracle, inference, *, fit_intercept, rel=1e-8):
    pairs = {
        "rss": oracle.ssr,
        "degrees_of_freedom": oracle.df_resid,
        "adjusted_r2": oracle.rsquared_adj,
        "residual_std_error": np.sqrt(oracle.scale),
        "f": oracle.fvalue,
        "f_p_value": oracle.f_pvalue,
        "aic": oracle.aic,
        "bic": oracle.bic,
        "condition_number": oracle.condition_number,
    }
    for name, expected in pairs.items():
        assert getattr(inference, name) == pytest.approx(expected, rel=rel, abs=0), name
    lower, upper = oracle.conf_int().T
    for name, expected in {"t": oracle.tvalues, "p_values": oracle.pvalues, "lower": lower, "upper": upper}.items():
        values = getattr(inference, name)
        b = [values.b] if fit_intercept else []
        np.testing.assert_allclose([*b, *values.w], expected, rtol=rel, err_msg=name)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_intervals_of_predictions_are_those_of_statsmodels(diabetes, weighted, fit_intercept, level):
    x, y = diabetes
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y)) if weighted else None
    design = sm.add_constant(x) if fit_intercept else x
    oracle = (sm.WLS(y, design, weight) if weighted else sm.OLS(y, design)).fit()
    statistics = gather([Batch(x, y, weight)], x.shape[1])
    optimum = Optimum.of(LeastSquares.of(statistics, fit_intercept=fit_intercept), 0.0)
    frame = oracle.get_prediction(design[:20], weights=np.ones(20) if weighted else None).summary_frame(1 - level)
    for of_mean, name in ((True, "mean_ci_upper"), (False, "obs_ci_upper")):
        half_width = Intervals.of(statistics, optimum).half_width(x[:20], level, of_mean=of_mean)
        np.testing.assert_allclose(half_width, frame[name] - frame["mean"], rtol=1e-8)


def exact_half_width(x, y, weight, new, level, *, of_mean):
    """Return half the width of the intervals at each x of `new`, on rationals up to the last root."""
    x, y, weight = rationals(x), rationals(y), rationals(weight)
    total = sum(weight)
    mean = weighted_product(x, [1] * len(x), weight) / total
    deviations = [value - mean for value in x]
    spread = weighted_product(deviations, deviations, weight)
    slope = weighted_product(deviations, y, weight) / spread
    level_at_zero = weighted_product(y, [1] * len(x), weight) / total - slope * mean
    residuals = [b - slope * a - level_at_zero for a, b in zip(x, y, strict=True)]
    freedom = len(x) - 2
    variance = weighted_product(residuals, residuals, weight) / freedom
    squares = [variance * (1 / total + (a - mean) ** 2 / spread + (not of_mean)) for a in rationals(new)]
    return special.stdtrit(freedom, (1 + level) / 2) * np.sqrt([float(square) for square in squares])


@pytest.mark.parametrize("offset", [0.0, 1e9, 1.7e12, 1e13])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("of_mean", [False, True])
def test_intervals_keep_their_digits_far_from_zero(offset, weighted, of_mean):
    generator = np.random.default_rng(0)
    x = offset + generator.normal(size=15)
    y = 2 * (x - offset) + generator.normal(size=15)
    weight = generator.uniform(0.5, 2, 15) if weighted else np.ones(15)
    new = offset + np.linspace(-2, 2, 9)
    statistics = gather([Batch(x[:, None], y, weight)], 1)
    optimum = Optimum.of(LeastSquares.of(statistics, fit_intercept=True), 0.0)
    half_width = Intervals.of(statistics, optimum).half_width(new[:, None], 0.95, of_mean=of_mean)
    np.testing.assert_allclose(half_width, exact_half_width(x, y, weight, new, 0.95, of_mean=of_mean), rtol=1e-14)


@pytest.mark.parametrize("name", NIST_NAMES)
def test_every_statistic_of_the_nist_sets_is_that_of_statsmodels(name):
    x, y, case = nist(name)
    oracle = sm.OLS(y, sm.add_constant(x) if case["intercept"] else x).fit()
    _, inference = solve(x, y, fit_intercept=case["intercept"])
    assert_all_statistics_are_those_of(oracle, inference, fit_intercept=case["intercept"])


@pytest.mark.parametrize(("noise", "rel"), [(1e-5, 1e-9), (1e-7, 1e-7), (1e-9, 1e-5), (1e7, 1e-13)])
@pytest.mark.parametrize("twin", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_f_and_r2_keep_their_digits_at_any_share_of_explained_variance(noise, rel, twin, weighted, fit_intercept):
    generator = np.random.default_rng(0)
    x = np.column_stack([np.linspace(0, 10, 20), generator.normal(size=20)])
    y = x @ [2.0, 1.0] + fit_intercept + noise * generator.normal(size=20)
    weight = generator.uniform(0.5, 2, 20) if weighted else None
    explained, rest = sums_of_squares(x, y, weight, fit_intercept=fit_intercept)
    freedom = 18 - fit_intercept
    f = float(explained / 2 / (rest / freedom))
    _, inference = solve(np.column_stack([x, 4 * x[:, 0]]) if twin else x, y, weight, fit_intercept=fit_intercept)
    assert inference.f == pytest.approx(f, rel=rel)
    assert inference.f_p_value == pytest.approx(special.fdtrc(2, freedom, f), rel=freedom * rel, abs=0)
    assert inference.r2 == pytest.approx(float(explained / (explained + rest)), rel=1e-13)


def test_a_y_that_does_not_vary_has_no_r2():
    x = np.arange(10.0)[:, None]
    assert np.isnan(solve(x, np.full(10, 0.1))[1].r2)
    assert np.isnan(solve(x, np.zeros(10), fit_intercept=False)[1].r2)


def test_too_few_rows_have_no_statistics_and_a_reason():
    optimum, inference = solve(np.array([[1.0], [2.0]]), np.array([3.0, 5.0]))
    assert optimum.w[0] == pytest.approx(2)
    assert inference.std_errors is None
    assert np.isnan(inference.r2)
    assert "degrees of freedom" in inference.undefined


SCALARS = ("r2", "adjusted_r2", "residual_std_error", "f", "f_p_value", "aic", "bic", "condition_number")


def has_undefined_statistics(inference):
    coefficients = (inference.std_errors, inference.t, inference.p_values, inference.lower, inference.upper)
    numbers = [getattr(inference, name) for name in SCALARS]
    return any(c is None for c in coefficients) or bool(
        np.isnan([*numbers, *(number for c in coefficients for number in (*c.w, c.b))]).any()
    )


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 12),
    st.lists(st.sampled_from(["random", "constant", "zero", "copy"]), min_size=1, max_size=3),
    st.sampled_from(["random", "constant", "zero", "line"]),
    st.booleans(),
    st.booleans(),
)
def test_a_reason_is_given_exactly_if_a_statistic_is_undefined(seed, n, columns, target, fit_intercept, decayed):
    generator = np.random.default_rng(seed)
    first = generator.normal(size=n)
    kinds = {"constant": np.full(n, 0.1), "zero": np.zeros(n), "copy": 2 * first, "line": 3 * first + 1}
    x = np.column_stack([first, *(kinds.get(kind, generator.normal(size=n)) for kind in columns)])
    y = kinds.get(target, generator.normal(size=n))
    statistics = gather([Batch(x, y)], x.shape[1])
    statistics = decay(statistics, 0.5) if decayed else statistics
    inference = infer(statistics, Optimum.of(LeastSquares.of(statistics, fit_intercept=fit_intercept), 0.0))
    assert has_undefined_statistics(inference) == (inference.undefined is not None)
