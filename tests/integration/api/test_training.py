"""Training: the tutorial, both methods, learning rates and effective options."""

import numpy as np
import pytest
import statsmodels.api as sm
from calls import fit
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

LOSSES = [
    104.9967, 2.1443493, 0.2407106, 0.2052997, 0.2044645, 0.2042702,
    0.2040886, 0.2039081, 0.2037286, 0.2035500, 0.2033724,
]  # fmt: skip


METHODS = pytest.mark.parametrize("method", ["spectral", "autograd"])


def six_digits(value):
    return pytest.approx(value, rel=2e-6)


@METHODS
def test_the_losses_equal_those_of_the_tutorial(client, tutorial, method):
    report = fit(client, **tutorial, learning_rate=0.01, epochs=11, seed=20, method=method)
    assert report["history"]["epoch"] == list(range(12))
    assert report["history"]["loss"][:11] == six_digits(LOSSES)
    assert report["initial_loss"] == six_digits(104.9967)
    assert report["loss"] == report["history"]["loss"][-1]
    assert report["epochs"] == 11
    assert report["converged"] is False
    assert report["largest_stable_learning_rate"] == pytest.approx(0.0231492038, abs=1e-10)
    assert (report["optimum"]["w"], report["optimum"]["b"]) == pytest.approx((0.25998989, 0.74766528), abs=1e-6)


@METHODS
def test_the_first_step_equals_the_first_gradient_of_the_tutorial(client, tutorial, method):
    before = fit(client, **tutorial, learning_rate=0.01, epochs=0, seed=20, method=method)
    after = fit(client, **tutorial, learning_rate=0.01, epochs=1, seed=20, method=method)
    assert before["w"] == pytest.approx(-1.2061, abs=5e-5)
    assert (before["w"] - after["w"]) / 0.01 == six_digits(-133.1749)
    assert (before["b"] - after["b"]) / 0.01 == six_digits(-19.2775)


def test_both_methods_agree(client, tutorial):
    options = {"learning_rate": 0.02, "epochs": 300, "initial": {"w": 1, "b": -2}, "l2": 0.1}
    spectral = fit(client, **tutorial, **options, method="spectral")
    autograd = fit(client, **tutorial, **options, method="autograd")
    assert (spectral["w"], spectral["b"]) == pytest.approx((autograd["w"], autograd["b"]), rel=1e-9)
    assert spectral["history"]["objective"] == pytest.approx(autograd["history"]["objective"], rel=1e-9)
    assert spectral["objective"] == pytest.approx(spectral["loss"] + 0.1 * spectral["w"] ** 2)


def test_a_diverging_learning_rate_is_rejected_with_its_bound(client, tutorial):
    problem = fit(client, status=422, **tutorial, learning_rate=0.05)
    assert problem["type"] == "urn:descent:problem:diverging-learning-rate"
    assert "0.023149" in problem["detail"]
    assert problem["errors"][0]["pointer"] == "/learning_rate"
    assert client.get("/models").json["models"] == []
    bound = problem["largest_stable_learning_rate"]
    assert fit(client, status=422, **tutorial, learning_rate=bound * 1.001)
    report = fit(client, **tutorial, learning_rate=bound * 0.999)
    assert report["converged"] is True
    assert report["w"] == pytest.approx(0.25998989, abs=1e-7)


@pytest.mark.parametrize("learning_rate", ["auto", 0.01])
def test_by_default_the_descent_runs_to_convergence(client, tutorial, learning_rate):
    report = fit(client, **tutorial, learning_rate=learning_rate)
    assert report["converged"] is True
    assert (report["w"], report["b"]) == (report["optimum"]["w"], report["optimum"]["b"])
    assert report["epochs"] == report["history"]["epoch"][-1]
    assert report["options"]["standardize"] is (learning_rate == "auto")
    assert report["warnings"] == []


def test_autograd_stops_after_the_maximum_number_of_epochs(client, tutorial):
    report = fit(client, **tutorial, method="autograd", learning_rate=0.01)
    assert (report["epochs"], report["converged"]) == (500, False)
    assert fit(client, **tutorial, method="autograd", learning_rate="auto")["converged"] is True
    problem = fit(client, status=422, **tutorial, method="autograd", epochs=501)
    assert "DESCENT_MAX_AUTOGRAD_EPOCHS" in problem["detail"]


@METHODS
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"learning_rate": 0.01, "epochs": 7, "seed": 3},
        {"l2": 0.5, "initial": {"w": 2, "b": 1}},
        {"learning_rate": 0.3, "standardize": True, "epochs": 20},
        {"fit_intercept": False, "epochs": 3},
    ],
)
def test_the_effective_options_give_the_same_fit(client, tutorial, method, options):
    first = fit(client, **tutorial, **options, method=method)
    again = fit(client, **tutorial, **first["options"])
    for name in ("w", "b", "loss", "epochs", "history", "options", "optimum"):
        assert again[name] == first[name]


def test_a_fit_equals_those_of_statsmodels_and_scikit_learn(client):
    x, y = load_diabetes(return_X_y=True)
    oracle = sm.OLS(y, sm.add_constant(x)).fit()
    report = fit(client, x=x.tolist(), y=y.tolist())
    errors = report["optimum"]["std_errors"]
    np.testing.assert_allclose([report["b"], *report["w"]], oracle.params, rtol=1e-10)
    np.testing.assert_allclose([errors["b"], *errors["w"]], oracle.bse, rtol=1e-10)
    assert report["optimum"]["r2"] == pytest.approx(oracle.rsquared, rel=1e-10)
    ridge = Ridge(alpha=len(y) * 0.01).fit(x, y)
    penalised = fit(client, x=x.tolist(), y=y.tolist(), l2=0.01)
    np.testing.assert_allclose([penalised["b"], *penalised["w"]], [ridge.intercept_, *ridge.coef_], rtol=1e-10)


@METHODS
def test_raw_timestamps_can_be_fitted(client, method):
    x = 1.7e9 + np.arange(0, 86_400, 300.0)
    y = 20 + 1e-4 * (x - 1.7e9) + np.sin(x)
    slope, intercept = np.polyfit(x - 1.7e9, y, 1)
    report = fit(client, x=x.tolist(), y=y.tolist(), method=method)
    assert report["w"] == pytest.approx(slope, rel=1e-10)
    assert report["converged"] is True
    response = client.post("/predict", json={"x": 1.7e9}).json
    assert response["y"] == pytest.approx(intercept, abs=1e-9)


def test_a_weight_of_two_equals_the_row_twice(client, tutorial):
    twice = {name: values + values[:5] for name, values in tutorial.items()}
    weighted = fit(client, **tutorial, sample_weight=[2] * 5 + [1] * 10)
    doubled = fit(client, **twice)
    assert (weighted["w"], weighted["b"]) == pytest.approx((doubled["w"], doubled["b"]), rel=1e-12)
    assert (weighted["n"], doubled["n"]) == (15, 20)
