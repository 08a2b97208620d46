"""Data near the limits of float64 give finite numbers or a refusal, and never a wrong number."""

import math

import numpy as np
import pytest

METHODS = pytest.mark.parametrize("method", ["spectral", "autograd"])


def post(client, **body):
    answer = client.post("/train", json=body)
    assert answer.status_code in (201, 422), answer.text
    return answer


def numbers(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for each in value for number in numbers(each)]
    return [value]


@METHODS
@pytest.mark.parametrize(
    "body",
    [
        {"x": [1, 2, 3], "y": [1e-200, 2e-200, 2e-200]},
        {"x": [5e-324, 5e-324], "y": [5e-324, 0], "fit_intercept": False},
        {"x": [1e-300, 5e-301, 2e-301], "y": [1, 2, 3], "l2": 1e150},
        {"x": [[1, 1e-323], [2, 5e-324], [3, 0]], "y": [1, 2, 3], "standardize": False},
        {"x": [1, 2, 3], "y": [1e150, -1e150, 5e149], "sample_weight": [1e100] * 3},
        {"x": [1e-155, 2e-155, 4e-155], "y": [1, 2, 2]},
        {"x": [1e-145, 2e-145, 4e-145], "y": [1, 2, 2]},
        {"x": [1e-145, 2e-145, 4e-145], "y": [1, 2, 2], "l2": 0.1},
        {"x": [1e150, -1e150, 0], "y": [1e150, 3, -1e150]},
        {"x": [1e150, -1e150, 0], "y": [1, 3, 2], "standardize": False},
        {"x": [1, 2, 4], "y": [1, 2, 2], "sample_weight": [1e150, 1e-300, 1]},
        {"x": [1, 2, 4], "y": [1, 2, 2], "sample_weight": [1e-300] * 3},
        {"x": [0, 0, 0], "y": [1, 2, 3], "fit_intercept": False},
        {"x": [0, 0, 0], "y": [0, 0, 0]},
        {"x": [1, 2, 4], "y": [1, 2, 2], "l2": 1e150},
        {"x": [1, 2, 4], "y": [1, 2, 2], "initial": {"w": 1e150, "b": -1e150}},
        {"x": [1e-100, 2e-100], "y": [1, 2], "fit_intercept": False, "standardize": False},
        {"x": [9007199254740992, 9007199254740994, 9007199254740996], "y": [1, 2, 3], "epochs": 50},
    ],
)
def test_extreme_data_gives_finite_numbers_or_a_refusal(client, method, body):
    answer = post(client, method=method, **{"epochs": 50, **body})
    if answer.status_code == 422:
        assert answer.json["type"] == "urn:descent:problem:invalid-request"
        return
    fit = answer.json
    optimum = fit["optimum"]
    finite = [fit[name] for name in ("w", "b", "loss", "initial_loss", "history")]
    finite += [optimum[name] for name in ("w", "b", "loss", "rss")]
    assert all(isinstance(number, int | float) and math.isfinite(number) for number in numbers(finite))
    assert optimum["undefined"] is not None or None not in (optimum["std_errors"], *optimum["std_errors"].values())


@pytest.mark.parametrize("exponent", [-16, -10, -6, -3, 3, 6, 9, 12])
def test_both_methods_agree_on_columns_of_very_different_scales(client, exponent):
    s = 10.0**exponent
    body = {"x": [[1, 2 * s], [2, s], [3, s / 2], [4, 3 * s], [5, -s]], "y": [1, 2, 3, 4, 4], "standardize": False}
    spectral, autograd = (post(client, method=method, epochs=60, **body).json for method in ("spectral", "autograd"))
    for name in ("w", "b", "loss", "initial_loss"):
        assert spectral[name] == pytest.approx(autograd[name], rel=1e-8, abs=1e-300)
    losses = np.array(spectral["history"]["loss"])
    assert (np.diff(losses) <= 1e-15 * losses[:-1]).all()


@METHODS
def test_zero_epochs_return_the_initial_coefficients_exactly(client, method):
    body = {"x": {"a": [1, 2, 3, 4], "b": [5, 1, 0, 2]}, "y": [1, 2, 3, 5], "method": method, "epochs": 0}
    fit = post(client, initial={"w": {"a": -3, "b": 10}, "b": 1}, **body).json
    assert (fit["w"], fit["b"]) == ({"a": -3, "b": 10}, 1)


def test_the_options_in_a_response_reproduce_the_fit(client):
    body = {"x": [1e-100, 2e-100], "y": [1, 2], "fit_intercept": False, "standardize": False}
    first = post(client, **body).json
    assert post(client, **(body | first["options"])).json["w"] == first["w"]
