"""What the least-squares optimum says of the data: how well it fits, and how sure its coefficients and predictions are.

Source: Greene, Econometric Analysis, §§4–5; the conventions (weights, uncentred R² without an intercept, information
criteria that count the coefficients) are those of statsmodels' OLS and WLS.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from service.core.blocks import FloatArray
from service.core.optimum import Optimum, column_norms
from service.core.statistics import Statistics

LEVEL = 0.95


@dataclass(frozen=True)
class Coefficients:
    """One number for each w (d,) and one for b."""

    w: FloatArray
    b: float


@dataclass(frozen=True)
class Inference:
    """Statistics of the optimum. A number that the data leaves undefined is NaN; `reason` says why all of them are.

    Coefficients that the data does not determine have NaN; those of an absent intercept are 0 or NaN.
    lower, upper: the 95 % confidence intervals of the coefficients.
    """

    rss: float
    degrees_of_freedom: float
    reason: str | None
    r2: float = math.nan
    adjusted_r2: float = math.nan
    residual_std_error: float = math.nan
    f: float = math.nan
    f_p_value: float = math.nan
    aic: float = math.nan
    bic: float = math.nan
    condition_number: float = math.nan
    std_errors: Coefficients | None = None
    t: Coefficients | None = None
    p_values: Coefficients | None = None
    lower: Coefficients | None = None
    upper: Coefficients | None = None


def infer(statistics: Statistics, optimum: Optimum) -> Inference:
    """The statistics of the `optimum` of `statistics`."""
    parameters = _parameters(optimum)
    freedom = statistics.n - parameters
    root_of_rss = float(statistics.triangle[0, 0]) * optimum.root_loss
    rss = root_of_rss * root_of_rss
    reason = undefined_reason(optimum, statistics.n)
    if reason:
        return Inference(rss, freedom, reason)
    r2 = _r_squared(optimum)
    slopes = parameters - optimum.problem.fit_intercept
    f = _f(optimum, slopes, freedom) if slopes and not math.isnan(r2) else math.nan
    criterion = _deviance(statistics, rss)
    errors = _standard_errors(optimum, freedom)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = Coefficients(_finite(optimum.w / errors.w), _ratio(optimum.b, errors.b))
    reach = float(special.stdtrit(freedom, (1 + LEVEL) / 2))
    return Inference(
        rss=rss,
        degrees_of_freedom=freedom,
        reason=None,
        r2=r2,
        adjusted_r2=1 - (1 - r2) * (statistics.n - optimum.problem.fit_intercept) / freedom,
        residual_std_error=root_of_rss / math.sqrt(freedom),
        f=f,
        f_p_value=float(special.fdtrc(slopes, freedom, f)) if slopes else math.nan,
        aic=criterion + 2 * parameters,
        bic=criterion + math.log(statistics.n) * parameters,
        condition_number=_condition_number(statistics, optimum),
        std_errors=errors,
        t=t,
        p_values=Coefficients(_two_sided(freedom, t.w), float(_two_sided(freedom, np.array(t.b)))),
        lower=Coefficients(optimum.w - reach * errors.w, optimum.b - reach * errors.b),
        upper=Coefficients(optimum.w + reach * errors.w, optimum.b + reach * errors.b),
    )


def undefined_reason(optimum: Optimum, n: float) -> str | None:
    """Why `optimum`, of n rows, has no statistics; None if it has."""
    if optimum.l2:
        return "l2 > 0: a penalised fit has no standard errors or R² of least squares"
    parameters = _parameters(optimum)
    if n <= parameters:
        return f"no degrees of freedom are left: rows {n:g}, parameters {parameters}"
    return None


def interval_half_width(
    statistics: Statistics, optimum: Optimum, x: FloatArray, level: float, *, of_mean: bool
) -> FloatArray:
    """Half the width of the interval that holds, with probability `level`, the mean of y at each row of x (n, d), or a
    new y of weight 1: (n,). `optimum` must have statistics, and determine every coefficient."""
    freedom = statistics.n - _parameters(optimum)
    deviation = optimum.root_loss / math.sqrt(freedom)
    centred = statistics.centred(x) if optimum.problem.fit_intercept else x
    leverage: FloatArray = np.square(centred @ optimum.root).sum(axis=1)
    leverage = leverage + float(optimum.problem.fit_intercept)
    if not of_mean:
        leverage = leverage + float(statistics.triangle[0, 0]) ** 2
    reach: FloatArray = float(special.stdtrit(freedom, (1 + level) / 2)) * deviation * np.sqrt(leverage)
    return reach


def _parameters(optimum: Optimum) -> int:
    """How many coefficients the data determines."""
    return len(optimum.w) - len(optimum.null) + optimum.problem.fit_intercept


def _r_squared(optimum: Optimum) -> float:
    """1 − rss/tss, which is ess/tss and taken so where the rest is the larger part; NaN for a y that does not vary."""
    total = optimum.problem.root_total
    if optimum.explained < optimum.root_loss:
        return (optimum.explained / total) ** 2
    return 1 - (optimum.root_loss / total) ** 2


def _f(optimum: Optimum, slopes: int, freedom: float) -> float:
    """(ess/slopes) / (rss/freedom). Each is a sum of squares of its own: tss − rss, or 1 − R², would cancel."""
    ratio = _ratio(optimum.explained, optimum.root_loss)
    return ratio * ratio * (freedom / slopes)


def _deviance(statistics: Statistics, rss: float) -> float:
    """−2 times the largest log-likelihood of normal errors."""
    if rss <= 0:
        return math.nan
    return statistics.n * (math.log(2 * math.pi * rss / statistics.n) + 1) - statistics.log_weight


def _standard_errors(optimum: Optimum, freedom: float) -> Coefficients:
    """Roots of the diagonal of s²·(XᵀWX)⁺."""
    deviation = optimum.root_loss / math.sqrt(freedom)
    errors = deviation * column_norms(optimum.root.T)
    errors[optimum.unidentified] = np.nan
    if not optimum.problem.fit_intercept:
        return Coefficients(errors, 0.0)
    if optimum.intercept_unidentified:
        return Coefficients(errors, math.nan)
    return Coefficients(errors, deviation * math.hypot(1.0, *(optimum.problem.centre @ optimum.root)))


def _condition_number(statistics: Statistics, optimum: Optimum) -> float:
    """The ratio of the largest and smallest singular values of √w·[1, X], or of √w·X without an intercept."""
    design = statistics.raw_triangle[:-1, :-1]
    values = np.linalg.svd(design if optimum.problem.fit_intercept else design[:, 1:], compute_uv=False)
    return _ratio(float(values[0]), float(values[-1]))


def _two_sided(freedom: float, t: FloatArray) -> FloatArray:
    """The probability of a t at least as far from zero."""
    return np.asarray(2 * special.stdtr(freedom, -np.abs(t)), dtype=np.float64)


def _ratio(a: float, b: float) -> float:
    return a / b if b else math.nan


def _finite(values: FloatArray) -> FloatArray:
    return np.where(np.isfinite(values), values, np.nan)
