"""Statistical inference at the least-squares optimum: goodness of fit, standard errors, tests and intervals.

Source: Greene, "Econometric Analysis", §§4–5. Conventions follow the OLS and WLS of statsmodels: weights, uncentred R²
without an intercept, and information criteria that count the coefficients.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import special

from service.core.blocks import FloatArray
from service.core.optimum import Optimum, column_norms
from service.core.statistics import Statistics

CONFIDENCE_LEVEL = 0.95


@dataclass(frozen=True)
class PerCoefficient:
    """A number for each w (d,) and one for b."""

    w: FloatArray
    b: float


@dataclass(frozen=True)
class Inference:
    """Statistics of the optimum; undefined ones are NaN.

    undefined: why statistics are undefined; None if none is. lower, upper: 95 % confidence intervals.
    Statistics of undetermined coefficients are NaN; those of an absent intercept are 0 or NaN.
    """

    rss: float
    degrees_of_freedom: float
    undefined: str | None
    r2: float = math.nan
    adjusted_r2: float = math.nan
    residual_std_error: float = math.nan
    f: float = math.nan
    f_p_value: float = math.nan
    aic: float = math.nan
    bic: float = math.nan
    condition_number: float = math.nan
    std_errors: PerCoefficient | None = None
    t: PerCoefficient | None = None
    p_values: PerCoefficient | None = None
    lower: PerCoefficient | None = None
    upper: PerCoefficient | None = None


def infer(statistics: Statistics, optimum: Optimum) -> Inference:
    """Return the inference at `optimum`, the optimum of `statistics`."""
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
        t_of_w = optimum.w / errors.w
    t = PerCoefficient(np.where(np.isfinite(t_of_w), t_of_w, np.nan), _ratio(optimum.b, errors.b))
    half_width = float(special.stdtrit(freedom, (1 + CONFIDENCE_LEVEL) / 2))
    return Inference(
        rss=rss,
        degrees_of_freedom=freedom,
        undefined="; ".join(_undefined_parts(statistics, optimum, slopes)) or None,
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
        p_values=PerCoefficient(_two_sided(freedom, t.w), float(_two_sided(freedom, np.array(t.b)))),
        lower=PerCoefficient(optimum.w - half_width * errors.w, optimum.b - half_width * errors.b),
        upper=PerCoefficient(optimum.w + half_width * errors.w, optimum.b + half_width * errors.b),
    )


def undefined_reason(optimum: Optimum, n: float) -> str | None:
    """Return why the optimum of n rows has no statistics; None if it has."""
    if optimum.l2:
        return f"l2 is {optimum.l2:g}: a penalised fit has no least-squares standard errors or R²; train with l2=0"
    parameters = _parameters(optimum)
    if n <= parameters:
        return f"no degrees of freedom are left: rows {n:g}, parameters {parameters}; train on more rows"
    return None


def _undefined_parts(statistics: Statistics, optimum: Optimum, slopes: int) -> Iterator[str]:
    """Yield why some statistics are undefined although there are degrees of freedom."""
    if math.isnan(optimum.problem.root_total):
        yield "y is constant, so R² and F are undefined"
    elif not slopes:
        yield "no column varies, so F is undefined"
    if optimum.root_loss == 0:
        yield "every residual is 0, so F, t and the information criteria are undefined"
    elif math.isnan(statistics.log_weight):
        yield "decayed rows have no likelihood, so the information criteria are undefined"
    if len(optimum.null):
        yield "constant or linearly dependent columns have no unique coefficients and no statistics of them"
    if not optimum.problem.fit_intercept:
        yield "without an intercept, b has no t statistic"


def degrees_of_freedom(statistics: Statistics, optimum: Optimum) -> float:
    """Return the number of rows less the number of coefficients that the data determines."""
    return statistics.n - _parameters(optimum)


def _parameters(optimum: Optimum) -> int:
    """Return the number of coefficients that the data determines."""
    return len(optimum.w) - len(optimum.null) + optimum.problem.fit_intercept


def _r_squared(optimum: Optimum) -> float:
    """Return 1 − rss/tss, computed as ess/tss if ess < rss; NaN if y does not vary."""
    total = optimum.problem.root_total
    if optimum.explained < optimum.root_loss:
        return (optimum.explained / total) ** 2
    return 1 - (optimum.root_loss / total) ** 2


def _f(optimum: Optimum, slopes: int, freedom: float) -> float:
    """Return (ess/slopes) / (rss/freedom), from separate sums of squares: tss − rss and 1 − R² would cancel."""
    ratio = _ratio(optimum.explained, optimum.root_loss)
    return ratio * ratio * (freedom / slopes)


def _deviance(statistics: Statistics, rss: float) -> float:
    """Return −2 times the maximum of the log-likelihood under normal errors."""
    if rss <= 0:
        return math.nan
    return statistics.n * (math.log(2 * math.pi * rss / statistics.n) + 1) - statistics.log_weight


def _standard_errors(optimum: Optimum, freedom: float) -> PerCoefficient:
    """Return the square roots of the diagonal of s²·(XᵀWX)⁺."""
    deviation = optimum.root_loss / math.sqrt(freedom)
    errors = deviation * column_norms(optimum.root.T)
    errors[optimum.unidentified] = np.nan
    if not optimum.problem.fit_intercept:
        return PerCoefficient(errors, 0.0)
    if optimum.intercept_unidentified:
        return PerCoefficient(errors, math.nan)
    return PerCoefficient(errors, deviation * math.hypot(1.0, *(optimum.problem.centre @ optimum.root)))


def _condition_number(statistics: Statistics, optimum: Optimum) -> float:
    """Return the ratio of the extreme singular values of √w·[1, X], or of √w·X without an intercept."""
    design = statistics.raw_triangle[:-1, :-1]
    values = np.linalg.svd(design if optimum.problem.fit_intercept else design[:, 1:], compute_uv=False)
    return _ratio(float(values[0]), float(values[-1]))


def _two_sided(freedom: float, t: FloatArray) -> FloatArray:
    """Return the two-sided p-values of t."""
    return np.asarray(2 * special.stdtr(freedom, -np.abs(t)), dtype=np.float64)


def _ratio(a: float, b: float) -> float:
    return a / b if b else math.nan
