"""The optimum and its statistics against statsmodels, scikit-learn, NIST's certified values and exact rationals."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import special
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

from service.core.blocks import Batch
from service.core.inference import infer, interval_half_width
from service.core.optimum import LeastSquares, Optimum
from service.core.statistics import gather

NIST = Path(__file__).parents[2] / "data" / "nist"


def solve(x, y, weight=None, *, fit_intercept=True, l2=0.0):
    statistics = gather([Batch(x, y, weight)], x.shape[1])
    optimum = Optimum.of(LeastSquares.of(statistics, fit_intercept=fit_intercept), l2)
    return optimum, infer(statistics, optimum)


def digits(found, certified):
    error = np.abs(np.asarray(found) - certified) / np.abs(certified)
    return -np.log10(np.maximum(error, 1e-17)).max()


def rationals(values):
    return [Fraction(value) for value in values.tolist()]


def exact_product(a, b, weight):
    return sum(w * one * other for one, other, w in zip(a, b, weight, strict=True))


def exactly_solved(matrix, right):
    """By Gauss and Jordan's elimination, on rationals."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for i in range(len(rows)):
        pivot = [value / rows[i][i] for value in rows[i]]
        rows = [[value - row[i] * above for value, above in zip(row, pivot, strict=True)] for row in rows]
        rows[i] = pivot
    return [row[-1] for row in rows]


def exact_columns(x, y, weight, *, fit_intercept):
    """The columns of x and y, less their means with an intercept, and the weights."""
    weight = rationals(np.ones(len(y)) if weight is None else weight)
    columns = [rationals(column) for column in (*x.T, y)]
    if fit_intercept:
        means = [exact_product(column, [1] * len(y), weight) / sum(weight) for column in columns]
        columns = [[value - mean for value in column] for column, mean in zip(columns, means, strict=True)]
    return columns[:-1], columns[-1], weight


def exact_optimum(columns, y, weight, l2=0):
    """w, and the products with y that it comes from, by the normal equations on rationals, which round nothing."""
    moments = [exact_product(column, y, weight) for column in columns]
    matrix = [[exact_product(a, b, weight) + (a is b) * l2 * sum(weight) for b in columns] for a in columns]
    return exactly_solved(matrix, moments), moments


def exact_sums_of_squares(x, y, weight, *, fit_intercept):
    """What is explained and what is not."""
    columns, y, weight = exact_columns(x, y, weight, fit_intercept=fit_intercept)
    w, moments = exact_optimum(columns, y, weight)
    explained = sum(one * moment for one, moment in zip(w, moments, strict=True))
    return explained, exact_product(y, y, weight) - explained


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
        found = getattr(inference, name)
        b = [found.b] if fit_intercept else []
        np.testing.assert_allclose([*b, *found.w], expected, rtol=rel, err_msg=name)


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
        reach = interval_half_width(statistics, optimum, x[:20], level, of_mean=of_mean)
        np.testing.assert_allclose(reach, frame[name] - frame["mean"], rtol=1e-8)


def exact_reach(x, y, weight, new, level, *, of_mean):
    """Half the width of the intervals of a line at each of `new`, on rationals up to the last root."""
    x, y, weight = rationals(x), rationals(y), rationals(weight)
    total = sum(weight)
    mean = exact_product(x, [1] * len(x), weight) / total
    deviations = [value - mean for value in x]
    spread = exact_product(deviations, deviations, weight)
    slope = exact_product(deviations, y, weight) / spread
    level_at_zero = exact_product(y, [1] * len(x), weight) / total - slope * mean
    residuals = [b - slope * a - level_at_zero for a, b in zip(x, y, strict=True)]
    freedom = len(x) - 2
    variance = exact_product(residuals, residuals, weight) / freedom
    squares = [variance * (1 / total + (a - mean) ** 2 / spread + (not of_mean)) for a in rationals(new)]
    return special.stdtrit(freedom, (1 + level) / 2) * np.sqrt([float(square) for square in squares])


@pytest.mark.parametrize("offset", [0.0, 1e9, 1.7e12, 1e13])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("of_mean", [False, True])
def test_intervals_keep_their_digits_however_far_x_is_from_zero(offset, weighted, of_mean):
    generator = np.random.default_rng(0)
    x = offset + generator.normal(size=15)
    y = 2 * (x - offset) + generator.normal(size=15)
    weight = generator.uniform(0.5, 2, 15) if weighted else np.ones(15)
    new = offset + np.linspace(-2, 2, 9)
    statistics = gather([Batch(x[:, None], y, weight)], 1)
    optimum = Optimum.of(LeastSquares.of(statistics, fit_intercept=True), 0.0)
    reach = interval_half_width(statistics, optimum, new[:, None], 0.95, of_mean=of_mean)
    np.testing.assert_allclose(reach, exact_reach(x, y, weight, new, 0.95, of_mean=of_mean), rtol=1e-14)


@pytest.mark.parametrize("name", ["Norris", "NoInt1", "NoInt2", "Longley"])
def test_every_statistic_of_the_nist_sets_is_that_of_statsmodels(name):
    case = json.loads((NIST / f"{name}.json").read_text())
    x, y = np.array(case["x"], dtype=float).reshape(len(case["y"]), -1), np.array(case["y"], dtype=float)
    oracle = sm.OLS(y, sm.add_constant(x) if case["intercept"] else x).fit()
    _, inference = solve(x, y, fit_intercept=case["intercept"])
    assert_all_statistics_are_those_of(oracle, inference, fit_intercept=case["intercept"])


@pytest.mark.parametrize(("noise", "rel"), [(1e-5, 1e-9), (1e-7, 1e-7), (1e-9, 1e-5), (1e7, 1e-13)])
@pytest.mark.parametrize("twin", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_f_and_r2_keep_their_digits_however_much_is_explained(noise, rel, twin, weighted, fit_intercept):
    generator = np.random.default_rng(0)
    x = np.column_stack([np.linspace(0, 10, 20), generator.normal(size=20)])
    y = x @ [2.0, 1.0] + fit_intercept + noise * generator.normal(size=20)
    weight = generator.uniform(0.5, 2, 20) if weighted else None
    explained, rest = exact_sums_of_squares(x, y, weight, fit_intercept=fit_intercept)
    freedom = 18 - fit_intercept
    f = float(explained / 2 / (rest / freedom))
    _, inference = solve(np.column_stack([x, 4 * x[:, 0]]) if twin else x, y, weight, fit_intercept=fit_intercept)
    assert inference.f == pytest.approx(f, rel=rel)
    assert inference.f_p_value == pytest.approx(special.fdtrc(2, freedom, f), rel=freedom * rel, abs=0)
    assert inference.r2 == pytest.approx(float(explained / (explained + rest)), rel=1e-13)


@pytest.mark.parametrize("l2", [1e-4, 0.01, 10.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_a_penalised_optimum_is_that_of_ridge(diabetes, l2, fit_intercept):
    x, y = diabetes
    oracle = Ridge(alpha=len(y) * l2, fit_intercept=fit_intercept, solver="cholesky").fit(x, y)
    optimum, inference = solve(x, y, fit_intercept=fit_intercept, l2=l2)
    np.testing.assert_allclose(optimum.w, oracle.coef_, rtol=1e-10)
    assert optimum.b == pytest.approx(oracle.intercept_, rel=1e-10)
    assert inference.std_errors is None
    assert "l2" in inference.reason


@pytest.mark.parametrize("l2", [1e-3, 1.0, 1e6, 1e12, 1e24, 1e40])
@pytest.mark.parametrize("scales", [[1, 1, 1], [1, 1e-10, 1e6], [1e-12, 1e-12, 1e-12]])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_a_penalty_however_large_beside_the_columns_leaves_each_coefficient_its_digits(
    l2, scales, weighted, fit_intercept
):
    generator = np.random.default_rng(1)
    x = generator.normal([0, 1, -2], size=(30, 3)) * scales
    y = x / scales @ [2.0, 3.0, -4.0] + generator.normal(size=30)
    weight = generator.uniform(0.5, 2, 30) if weighted else None
    optimum, _ = solve(x, y, weight, fit_intercept=fit_intercept, l2=l2)
    expected, _ = exact_optimum(*exact_columns(x, y, weight, fit_intercept=fit_intercept), Fraction(l2))
    np.testing.assert_allclose(optimum.w, [float(value) for value in expected], rtol=1e-14)


@pytest.mark.parametrize(("name", "least"), [("Norris", 12), ("NoInt1", 14), ("NoInt2", 14), ("Longley", 10)])
def test_certified_values_of_nist_are_met(name, least):
    case = json.loads((NIST / f"{name}.json").read_text())
    x = np.array(case["x"], dtype=float).reshape(len(case["y"]), -1)
    optimum, inference = solve(x, np.array(case["y"], dtype=float), fit_intercept=case["intercept"])
    b, error_b = ([optimum.b], [inference.std_errors.b]) if case["intercept"] else ([], [])
    certified = case["certified"]
    assert digits([*b, *optimum.w], certified["coefficients"]) >= least
    assert digits([*error_b, *inference.std_errors.w], certified["std_errors"]) >= least
    assert digits(inference.r2, certified["r_squared"]) >= least


@pytest.mark.parametrize("name", ["Norris", "NoInt1", "NoInt2", "Longley"])
def test_digits_are_at_least_those_of_lstsq_and_statsmodels_less_half_of_one(name):
    case = json.loads((NIST / f"{name}.json").read_text())
    y = np.array(case["y"], dtype=float)
    x = np.array(case["x"], dtype=float).reshape(len(y), -1)
    design = np.column_stack([np.ones(len(y)), x]) if case["intercept"] else x
    oracle, others = sm.OLS(y, design).fit(), np.linalg.lstsq(design, y)[0]
    optimum, inference = solve(x, y, fit_intercept=case["intercept"])
    b, error_b = ([optimum.b], [inference.std_errors.b]) if case["intercept"] else ([], [])
    certified = case["certified"]["coefficients"]
    found = min(15, digits([*b, *optimum.w], certified))
    assert found >= max(digits(oracle.params, certified), digits(others, certified)) - 0.5
    certified = case["certified"]["std_errors"]
    found = min(15, digits([*error_b, *inference.std_errors.w], certified))
    assert found >= min(15, digits(oracle.bse, certified)) - 0.5


def test_simple_data_has_simple_answers():
    for slope, intercept in ((2.0, 0.0), (3.0, -1.0), (-0.5, 7.0)):
        x = np.arange(1.0, 9.0)
        optimum, _ = solve(x[:, None], slope * x + intercept)
        assert (optimum.w[0], optimum.b) == pytest.approx((slope, intercept), rel=1e-15, abs=1e-15)


def test_rank_is_decided_whatever_the_units(diabetes):
    x, y = diabetes
    twins = np.column_stack([x, x[:, 0] * 1e9 + x[:, 1] * 1e-9])
    optimum, inference = solve(twins, y)
    assert len(optimum.null) == 1
    np.testing.assert_array_equal(np.flatnonzero(optimum.unidentified), [0, 10])
    assert np.isnan(inference.std_errors.w[[0, 10]]).all()
    assert inference.degrees_of_freedom == len(y) - 11
    assert optimum.loss == pytest.approx(solve(x, y)[0].loss, rel=1e-10)


def test_nearly_collinear_columns_are_told_apart():
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


def test_a_y_that_does_not_vary_has_no_r2():
    x = np.arange(10.0)[:, None]
    assert np.isnan(solve(x, np.full(10, 0.1))[1].r2)
    assert np.isnan(solve(x, np.zeros(10), fit_intercept=False)[1].r2)


def test_too_few_rows_have_no_statistics_and_say_why():
    optimum, inference = solve(np.array([[1.0], [2.0]]), np.array([3.0, 5.0]))
    assert optimum.w[0] == pytest.approx(2)
    assert inference.std_errors is None
    assert np.isnan(inference.r2)
    assert "degrees of freedom" in inference.reason


def test_magnitudes_near_the_largest_allowed_do_not_overflow():
    x = np.linspace(-1e150, 1e150, 21)[:, None]
    optimum, inference = solve(x, 0.5 * x[:, 0], np.full(21, 1e150))
    assert optimum.w[0] == pytest.approx(0.5)
    assert np.isfinite(inference.std_errors.w).all()
