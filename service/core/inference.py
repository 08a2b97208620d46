"""What the least-squares optimum says of the data: R² and standard errors.

Source: Greene, Econometric Analysis, §4; the conventions (weights, uncentred R² without an intercept) are those of
statsmodels' OLS and WLS.
"""

import math
from dataclasses import dataclass

import numpy as np

from service.core.optimum import CONSTANT, Optimum, column_norms
from service.core.statistics import FloatArray, Statistics


@dataclass(frozen=True)
class Inference:
    """Statistics of the optimum; None where the data leaves them undefined, with the reason.

    r2: centred with an intercept, uncentred without.
    std_errors_w (d,), std_error_b: NaN for a coefficient that the data does not determine, 0 for an absent intercept.
    """

    rss: float
    degrees_of_freedom: float
    r2: float | None
    std_errors_w: FloatArray | None
    std_error_b: float | None
    reason: str | None


def infer(statistics: Statistics, optimum: Optimum) -> Inference:
    """The statistics of the unpenalised `optimum` of `statistics`."""
    problem = optimum.problem
    parameters = len(problem.target) - len(optimum.null) + problem.fit_intercept
    freedom = statistics.n - parameters
    root_of_rss = float(statistics.triangle[0, 0]) * optimum.root_loss
    rss = root_of_rss * root_of_rss
    reason = _why_undefined(optimum, freedom, parameters, statistics.n)
    if reason:
        return Inference(rss, freedom, None, None, None, reason)
    errors_w, error_b = _standard_errors(optimum, optimum.root_loss / math.sqrt(freedom))
    return Inference(
        rss=rss,
        degrees_of_freedom=freedom,
        r2=_r_squared(optimum),
        std_errors_w=errors_w,
        std_error_b=error_b,
        reason=None,
    )


def _why_undefined(optimum: Optimum, freedom: float, parameters: int, n: float) -> str | None:
    if optimum.l2:
        return "l2 > 0: a penalised fit has no standard errors or R² of least squares"
    if freedom <= 0:
        return f"{n:g} rows leave no degrees of freedom for {parameters} parameters"
    return None


def _r_squared(optimum: Optimum) -> float | None:
    """1 − rss/tss, None for a y that does not vary."""
    problem = optimum.problem
    total = math.hypot(*problem.target, problem.floor)
    if total <= CONSTANT * math.hypot(total, problem.y_centre):
        return None
    return 1 - (optimum.root_loss / total) ** 2


def _standard_errors(optimum: Optimum, deviation: float) -> tuple[FloatArray, float]:
    """Roots of the diagonal of s²·(XᵀWX)⁺. `deviation` is √(rss/(n−p)/Σw)."""
    problem, root = optimum.problem, optimum.root
    errors_w = deviation * column_norms(root.T)
    errors_w[optimum.unidentified] = np.nan
    if not problem.fit_intercept:
        return errors_w, 0.0
    if optimum.intercept_unidentified:
        return errors_w, np.nan
    return errors_w, deviation * math.hypot(1.0, *(problem.centre @ root))
