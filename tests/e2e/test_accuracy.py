"""Coefficients, standard errors and R² agree with the values that NIST certifies."""

import json
from pathlib import Path

import httpx
import numpy as np
import pytest

NIST = Path(__file__).parents[1] / "data/nist"


def correct_digits(found, certified):
    """Return the number of correct significant digits of the least accurate value."""
    error = np.abs(np.asarray(found) - certified) / np.abs(certified)
    return -float(np.log10(np.maximum(error, 1e-17).max()))


@pytest.mark.parametrize(("name", "digits"), [("Norris", 12), ("NoInt1", 14), ("NoInt2", 14), ("Longley", 10)])
def test_nist_certified_values_are_reproduced(client, name, digits):
    case = json.loads((NIST / f"{name}.json").read_text())
    body = {"x": case["x"], "y": case["y"], "fit_intercept": case["intercept"]}
    response = client.post(f"/models/{name}/train", json=body)
    assert response.status_code == httpx.codes.CREATED, response.text
    fit = response.json()
    errors = fit["optimum"]["std_errors"]
    b, error_b = ([fit["b"]], [errors["b"]]) if case["intercept"] else ([], [])
    certified = case["certified"]
    assert correct_digits([*b, *np.ravel(fit["w"])], certified["coefficients"]) >= digits
    assert correct_digits([*error_b, *np.ravel(errors["w"])], certified["std_errors"]) >= digits
    assert correct_digits(fit["optimum"]["r2"], certified["r_squared"]) >= digits
