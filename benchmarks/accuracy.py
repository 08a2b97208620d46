"""Compare Descent, numpy's lstsq and statsmodels' OLS with NIST's certified values."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import statsmodels.api as sm

from service.core.blocks import Batch
from service.core.inference import infer
from service.core.optimum import LeastSquares, Optimum
from service.core.statistics import gather

SETS = Path(__file__).parents[1] / "tests/data/nist"
ALLOWED = 0.5
"""Digits by which Descent may be below the others."""
MOST_DIGITS = 15.0
"""Digits that NIST certifies. Agreement beyond them has no meaning."""


class Estimate(NamedTuple):
    """Coefficients and standard errors, the intercept's first."""

    coefficients: np.ndarray
    errors: np.ndarray


def digits(found: np.ndarray, certified: list[float]) -> float:
    """Return the correct significant digits of the worst of `found`."""
    error = np.abs(found - certified) / np.abs(certified)
    return min(MOST_DIGITS, -float(np.log10(np.maximum(error, 1e-17)).max()))


def by_descent(x: np.ndarray, y: np.ndarray, *, intercept: bool) -> Estimate:
    """Return the least-squares solution from Descent's statistics."""
    gathered = gather([Batch(x, y)], x.shape[1])
    optimum = Optimum.of(LeastSquares.of(gathered, fit_intercept=intercept), 0.0)
    inference = infer(gathered, optimum)
    if not intercept:
        return Estimate(optimum.w, inference.std_errors.w)
    return Estimate(np.append(optimum.b, optimum.w), np.append(inference.std_errors.b, inference.std_errors.w))


def by_lstsq(design: np.ndarray, y: np.ndarray) -> Estimate:
    """Return numpy's least squares, with standard errors from its residuals and the pseudo-inverse."""
    coefficients = np.linalg.lstsq(design, y)[0]
    residual = y - design @ coefficients
    variance = residual @ residual / (len(y) - design.shape[1])
    return Estimate(coefficients, np.sqrt(variance * np.square(np.linalg.pinv(design)).sum(axis=1)))


def by_statsmodels(design: np.ndarray, y: np.ndarray) -> Estimate:
    """Return statsmodels' OLS."""
    fitted = sm.OLS(y, design).fit()
    return Estimate(fitted.params, fitted.bse)


def accuracy_table() -> str:
    """Return the table of digits on every set; the target is to be at most ALLOWED digits below the others."""
    lines = ["| digits, coefficients · standard errors | Descent | lstsq | statsmodels | reached |"]
    lines.append("| --- | ---: | ---: | ---: | --- |")
    for path in sorted(SETS.glob("*.json")):
        case = json.loads(path.read_text("utf-8"))
        y = np.array(case["y"], dtype=float)
        x = np.array(case["x"], dtype=float).reshape(len(y), -1)
        design = np.column_stack([np.ones(len(y)), x]) if case["intercept"] else x
        certified = case["certified"]
        estimates = by_descent(x, y, intercept=case["intercept"]), by_lstsq(design, y), by_statsmodels(design, y)
        found = [
            (digits(each.coefficients, certified["coefficients"]), digits(each.errors, certified["std_errors"]))
            for each in estimates
        ]
        cells = " | ".join(f"{coefficients:.2f} · {errors:.2f}" for coefficients, errors in found)
        reached = (np.array(found[0]) >= np.array(found[1:]) - ALLOWED).all()
        lines.append(f"| {case['name']} | {cells} | {'yes' if reached else '**no**'} |")
    return "\n".join(lines)
