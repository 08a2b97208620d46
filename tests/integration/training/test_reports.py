"""The report of a fit describes the coefficients that are served."""

import re

import numpy as np
import pytest
from sklearn.metrics import r2_score

GENERATOR = np.random.default_rng(4)
X = GENERATOR.normal(3, 2, size=(40, 3))
Y = X @ [1.0, -2.0, 0.5] + 4 + GENERATOR.normal(size=40)
WEIGHT = GENERATOR.uniform(0.1, 2, size=40)


def train(client, **request):
    body = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in request.items()}
    return client.post("/train", json=body).json


def warnings(fit):
    return [warning["type"] for warning in fit["warnings"]]


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("options", [{}, {"l2": 0.3}, {"learning_rate": 0.001, "epochs": 3}])
def test_r2_is_that_of_the_returned_coefficients(client, weight, options):
    weights = {} if weight is None else {"sample_weight": weight}
    fit = train(client, x=X, y=Y, **weights, **options)
    assert fit["r2"] == pytest.approx(r2_score(Y, X @ fit["w"] + fit["b"], sample_weight=weight), rel=1e-12)


def test_r2_without_an_intercept_compares_with_zero(client):
    fit = train(client, x=X, y=Y, fit_intercept=False, learning_rate=0.001, epochs=3)
    residual = Y - X @ fit["w"]
    assert fit["r2"] == pytest.approx(1 - residual @ residual / (Y @ Y), rel=1e-12)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_after_convergence_r2_is_that_of_the_optimum(client, fit_intercept):
    fit = train(client, x=X, y=Y, fit_intercept=fit_intercept)
    assert fit["r2"] == pytest.approx(fit["optimum"]["r2"], rel=1e-14)


@pytest.mark.parametrize(("y", "fit_intercept"), [([0.1] * 5, True), ([0] * 5, True), ([0] * 5, False)])
def test_r2_is_null_where_y_does_not_vary(client, y, fit_intercept):
    assert train(client, x=[1, 2, 3, 4, 5], y=y, fit_intercept=fit_intercept)["r2"] is None


def test_the_r2_metric_is_that_of_the_served_coefficients(client):
    fit = train(client, x=X, y=Y, learning_rate=0.001, epochs=3)
    assert f'descent_training_r2{{model="default"}} {fit["r2"]}' in client.get("/metrics").text
    assert fit["r2"] < fit["optimum"]["r2"] - 0.1


@pytest.mark.parametrize("method", ["spectral", "autograd"])
def test_a_fit_that_has_not_converged_warns_with_both_losses(client, method):
    fit = train(client, x=X, y=Y, method=method, learning_rate=0.001, epochs=3)
    [warning] = fit["warnings"]
    assert warning["type"] == "not-converged"
    assert "after 3 epochs" in warning["detail"]
    losses = re.search("its loss is (.*) and the smallest possible is (.*). Increase epochs", warning["detail"])
    assert [float(loss) for loss in losses.groups()] == pytest.approx([fit["loss"], fit["optimum"]["loss"]], rel=1e-5)


@pytest.mark.parametrize("options", [{}, {"epochs": 10_000}, {"l2": 1.0}])
def test_a_fit_that_has_converged_does_not_warn(client, options):
    fit = train(client, x=X, y=Y, **options)
    assert fit["converged"]
    assert warnings(fit) == []


def test_a_fit_to_a_distant_limit_has_converged(client):
    assert warnings(train(client, x=X, y=Y, learning_rate=1e-17)) == ["slow-convergence"]


def test_a_fit_that_diverges_does_not_warn_of_convergence_too(client):
    fit = train(client, x=[1, 2, 3], y=[1, 2, 4], learning_rate=10, epochs=3, dry_run=True)
    assert "diverging" in warnings(fit)
    assert "not-converged" not in warnings(fit)


def test_times_are_iso_8601(client):
    fit = train(client, x=[1, 2, 3], y=[1, 2, 4])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", fit["trained_at"])
    assert client.get("/models/default/versions/1").json["trained_at"] == fit["trained_at"]
