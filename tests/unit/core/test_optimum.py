"""The optimum against scikit-learn, certified values of NIST, numpy, statsmodels and exact rationals."""

from fractions import Fraction

import numpy as np
import pytest
import statsmodels.api as sm
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

from service.core.blocks import Batch
from service.core.optimum import LeastSquares, column_norms
from service.core.statistics import gather
from tests.unit.core.exact_fits import NIST_NAMES, centred_columns, digits, nist, solve, solve_normal_equations


@pytest.fixture(scope="module")
def diabetes():
    return load_diabetes(return_X_y=True)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_the_mean_squared_error_is_that_of_the_rows(diabetes, fit_intercept):
    x, y = diabetes
    problem = LeastSquares.of(gather([Batch(x, y, None)], x.shape[1]), fit_intercept=fit_intercept)
    w, b = np.linspace(-300, 500, 10), 100.0 * fit_intercept
    assert problem.mean_squared_error(w, b + w @ problem.centre) == pytest.approx(
        np.square(x @ w + b - y).mean(), rel=1e-12
    )


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_column_norms_do_not_overflow(scale):
    with np.errstate(over="ignore", under="ignore"):
        norms = column_norms(scale * np.array([[3.0, 0.0, 1.0], [4.0, 0.0, 0.0]]))
    np.testing.assert_allclose(norms, scale * np.array([5.0, 0.0, 1.0]), rtol=1e-15)


@pytest.mark.parametrize("l2", [1e-4, 0.01, 10.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_a_penalised_optimum_is_that_of_ridge(diabetes, l2, fit_intercept):
    x, y = diabetes
    oracle = Ridge(alpha=len(y) * l2, fit_intercept=fit_intercept, solver="cholesky").fit(x, y)
    optimum, inference = solve(x, y, fit_intercept=fit_intercept, l2=l2)
    np.testing.assert_allclose(optimum.w, oracle.coef_, rtol=1e-10)
    assert optimum.b == pytest.approx(oracle.intercept_, rel=1e-10)
    assert inference.std_errors is None
    assert "l2" in inference.undefined


@pytest.mark.parametrize("l2", [1e-3, 1.0, 1e6, 1e12, 1e24, 1e40])
@pytest.mark.parametrize("scales", [[1, 1, 1], [1, 1e-10, 1e6], [1e-12, 1e-12, 1e-12]])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_a_large_penalty_leaves_each_coefficient_its_digits(l2, scales, weighted, fit_intercept):
    generator = np.random.default_rng(1)
    x = generator.normal([0, 1, -2], size=(30, 3)) * scales
    y = x / scales @ [2.0, 3.0, -4.0] + generator.normal(size=30)
    weight = generator.uniform(0.5, 2, 30) if weighted else None
    optimum, _ = solve(x, y, weight, fit_intercept=fit_intercept, l2=l2)
    expected, _ = solve_normal_equations(*centred_columns(x, y, weight, fit_intercept=fit_intercept), Fraction(l2))
    np.testing.assert_allclose(optimum.w, [float(value) for value in expected], rtol=1e-14)


@pytest.mark.parametrize(("name", "min_digits"), [("Norris", 12), ("NoInt1", 14), ("NoInt2", 14), ("Longley", 10)])
def test_certified_values_of_nist_are_met(name, min_digits):
    x, y, case = nist(name)
    optimum, inference = solve(x, y, fit_intercept=case["intercept"])
    b, error_b = ([optimum.b], [inference.std_errors.b]) if case["intercept"] else ([], [])
    certified = case["certified"]
    assert digits([*b, *optimum.w], certified["coefficients"]) >= min_digits
    assert digits([*error_b, *inference.std_errors.w], certified["std_errors"]) >= min_digits
    assert digits(inference.r2, certified["r_squared"]) >= min_digits


@pytest.mark.parametrize("name", NIST_NAMES)
def test_at_most_half_a_digit_is_lost_against_lstsq_and_statsmodels(name):
    x, y, case = nist(name)
    design = np.column_stack([np.ones(len(y)), x]) if case["intercept"] else x
    oracle, others = sm.OLS(y, design).fit(), np.linalg.lstsq(design, y)[0]
    optimum, inference = solve(x, y, fit_intercept=case["intercept"])
    b, error_b = ([optimum.b], [inference.std_errors.b]) if case["intercept"] else ([], [])
    certified = case["certified"]["coefficients"]
    correct = min(15, digits([*b, *optimum.w], certified))
    assert correct >= max(digits(oracle.params, certified), digits(others, certified)) - 0.5
    certified = case["certified"]["std_errors"]
    correct = min(15, digits([*error_b, *inference.std_errors.w], certified))
    assert correct >= min(15, digits(oracle.bse, certified)) - 0.5


def test_simple_data_has_round_coefficients():
    for slope, intercept in ((2.0, 0.0), (3.0, -1.0), (-0.5, 7.0)):
        x = np.arange(1.0, 9.0)
        optimum, _ = solve(x[:, None], slope * x + intercept)
        assert (optimum.w[0], optimum.b) == pytest.approx((slope, intercept), rel=1e-15, abs=1e-15)


def test_the_rank_does_not_depend_on_units(diabetes):
    x, y = diabetes
    twins = np.column_stack([x, x[:, 0] * 1e9 + x[:, 1] * 1e-9])
    optimum, inference = solve(twins, y)
    assert len(optimum.null) == 1
    np.testing.assert_array_equal(np.flatnonzero(optimum.unidentified), [0, 10])
    assert np.isnan(inference.std_errors.w[[0, 10]]).all()
    assert inference.degrees_of_freedom == len(y) - 11
    assert optimum.loss == pytest.approx(solve(x, y)[0].loss, rel=1e-10)


def test_nearly_collinear_columns_have_full_rank():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(1000, 2))
    x[:, 1] = x[:, 0] + 1e-9 * x[:, 1]
    optimum, _ = solve(x, x @ [1.0, 2.0])
    assert len(optimum.null) == 0
    np.testing.assert_allclose(optimum.w, [1.0, 2.0], rtol=1e-4)


def test_a_constant_column_leaves_the_intercept_undetermined():
    x = np.column_stack([np.arange(10.0), np.full(10, 0.3)])
    optimum, inference = solve(x, 2 * x[:, 0] + np.tile([1.0, -1.0], 5))
    assert list(optimum.unidentified) == [False, True]
    assert optimum.intercept_unidentified
    assert np.isnan(inference.std_errors.b)
    assert np.isfinite(inference.std_errors.w[0])


def test_magnitudes_near_the_limit_do_not_overflow():
    x = np.linspace(-1e150, 1e150, 21)[:, None]
    optimum, inference = solve(x, 0.5 * x[:, 0], np.full(21, 1e150))
    assert optimum.w[0] == pytest.approx(0.5)
    assert np.isfinite(inference.std_errors.w).all()
