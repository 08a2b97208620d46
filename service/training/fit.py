"""One fit: from statistics and options to coefficients, a loss curve and warnings."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Context

import numpy as np

from service.artifact.columns import Columns
from service.artifact.torchscript import Coefficients
from service.core.blocks import Batch, FloatArray
from service.core.descent import MAX_EPOCHS, Descent, IntArray, Iterate, history_epochs
from service.core.inference import Inference, infer
from service.core.optimum import LeastSquares, Optimum
from service.core.statistics import Statistics
from service.errors import DivergingLearningRate, Fault, InvalidRequest
from service.training import autograd
from service.training.fit_warnings import SLOW_CONVERGENCE, FitWarning, data_warnings, not_converged
from service.training.options import Options, Start

SMALLEST_MAGNITUDE = 1e-150
"""The squares of a column that stays below this magnitude underflow."""
EPOCHS_OF_DIVERGENCE = 100
"""The epochs shown of a diverging descent, unless the request sets them."""


@dataclass(frozen=True)
class History:
    """The loss curve: `epoch`, `loss` and `objective`, each (k,)."""

    epoch: IntArray
    loss: FloatArray
    objective: FloatArray


@dataclass(frozen=True)
class Fit:
    """Fitted coefficients w (d,) and b, the descent that led to them, and the least-squares solution beside them.

    level: ŷ at the mean row, which keeps digits that b loses far from zero.
    requested, options: the options as requested, and with every default resolved. epochs: the steps to the
    coefficients; None if the limit is more than 2⁵³ steps away.
    """

    columns: Columns
    statistics: Statistics
    requested: Options
    options: Options
    start: Start
    descent: Descent
    w: FloatArray
    b: float
    level: float
    epochs: int | None
    history: History
    inference: Inference
    warnings: list[FitWarning]

    @property
    def coefficients(self) -> Coefficients:
        """Return the coefficients of the artifact."""
        problem = self.descent.optimum.problem
        return Coefficients(self.w, self.b, problem.centre, self.level + float(self.w @ problem.rounding))

    @property
    def loss(self) -> float:
        """Return the mean squared error of the fitted coefficients."""
        return float(self.descent.optimum.problem.mean_squared_error(self.w, self.level))

    @property
    def objective(self) -> float:
        """Return the loss plus the penalty l2·‖w‖²."""
        l2 = self.options.l2
        return self.loss + l2 * float(np.square(self.w).sum()) if l2 else self.loss

    @property
    def r2(self) -> float:
        """Return R² of the fitted coefficients on the training data; NaN where y does not vary."""
        return self.descent.optimum.problem.r_squared(self.loss)

    @property
    def converged(self) -> bool:
        """Return whether the fitted coefficients are the limit of the descent."""
        return self.descent.has_converged(self.w, self.level)


def fit(
    statistics: Statistics,
    columns: Columns,
    options: Options,
    max_autograd_epochs: int,
    *,
    rows: Batch | None,
    show_divergence: bool = False,
) -> Fit:
    """Fit the data of `statistics`, whose x has `columns`; the autograd method iterates over its `rows`.

    Raises InvalidRequest, and DivergingLearningRate unless divergence is to be shown.
    """
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            fitted = _fit(statistics, columns, options, max_autograd_epochs, rows, show_divergence=show_divergence)
            is_finite = all(np.isfinite(part).all() for part in _results(fitted))
    except (np.linalg.LinAlgError, OverflowError):
        is_finite = False
    if not is_finite:
        raise InvalidRequest("The fit overflows float64. Rescale x and y so that their values are closer to 1.")
    return fitted


def _results(fitted: Fit) -> Iterator[FloatArray]:
    descent, inference = fitted.descent, fitted.inference
    yield fitted.history.objective
    yield np.array([fitted.b, fitted.level, fitted.objective, descent.limit.b, descent.optimum.loss, inference.rss])
    yield np.concatenate([fitted.w, descent.limit.w])
    if inference.std_errors is not None:
        yield np.nan_to_num(inference.std_errors.w, nan=0.0, posinf=np.inf)


def _fit(
    statistics: Statistics,
    columns: Columns,
    options: Options,
    max_autograd_epochs: int,
    rows: Batch | None,
    *,
    show_divergence: bool,
) -> Fit:
    _check_scales(statistics, columns)
    optimum = Optimum.of(LeastSquares.of(statistics, fit_intercept=options.fit_intercept), options.l2)
    start = _start(options, columns)
    descent = Descent.of(optimum, start.w, start.b, standardize=options.standardizes)
    rate = descent.auto_rate if options.learning_rate == "auto" else options.learning_rate
    epochs = _epochs(options, max_autograd_epochs)
    diverges = descent.max_stable_rate is not None and rate >= descent.max_stable_rate
    if diverges:
        if not show_divergence:
            raise _diverging(rate, descent)
        epochs = EPOCHS_OF_DIVERGENCE if epochs is None else epochs
    reached = descent.epochs_to_limit(rate) if epochs is None else epochs
    history, last = _walk(options, rows, start, descent, rate, MAX_EPOCHS if reached is None else reached)
    served = descent.limit if epochs is None else last
    fitted = Fit(
        columns=columns,
        statistics=statistics,
        requested=options,
        options=replace(options, learning_rate=rate, epochs=epochs, standardize=options.standardizes),
        start=start,
        descent=descent,
        w=served.w,
        b=float(served.b),
        level=float(served.level),
        epochs=reached if epochs is None else int(history.epoch[-1]),
        history=history,
        inference=infer(statistics, optimum),
        warnings=list(data_warnings(statistics, optimum, columns)),
    )
    fitted.warnings.extend(_descent_warnings(fitted, rate, diverges=diverges))
    return fitted


def _check_scales(statistics: Statistics, columns: Columns) -> None:
    """Refuse a column whose squares underflow; reading refuses those whose squares overflow."""
    largest = np.maximum(np.abs(statistics.lowest), np.abs(statistics.highest))
    for what, size in zip((*(f"Column {name!r}" for name in columns.names), "y"), largest, strict=True):
        if 0 < size < SMALLEST_MAGNITUDE:
            limit = f"has no value above {SMALLEST_MAGNITUDE:g} in magnitude, so its squares underflow"
            raise InvalidRequest(f"{what} {limit}. Use other units.")


def rounded_down(value: float, digits: int) -> float:
    """Return `value` > 0 rounded down to `digits` significant digits, so that a printed bound is safe to use."""
    return float(Context(prec=digits, rounding=ROUND_FLOOR).create_decimal_from_float(value))


def _start(options: Options, columns: Columns) -> Start:
    d = len(columns.names)
    if options.seed is not None:
        return Start(autograd.seeded_weights(options.seed, d), columns.names, 0.0)
    if options.initial is None:
        return Start(np.zeros(d), columns.names, 0.0)
    initial = options.initial
    if initial.b and not options.fit_intercept:
        raise InvalidRequest.at("/initial/b", f"is {initial.b:g}, but fit_intercept is false; omit it")
    w = columns.arrange(initial.w[None, :], initial.names, "/initial/w")
    return Start(w[0], columns.names, initial.b)


def _epochs(options: Options, max_autograd_epochs: int) -> int | None:
    """Return the steps to take; None to run to convergence, which only the spectral method does."""
    if options.method == "spectral":
        return options.epochs
    if options.epochs is not None and options.epochs > max_autograd_epochs:
        detail = f"is {options.epochs}, but autograd runs at most {max_autograd_epochs} (DESCENT_MAX_AUTOGRAD_EPOCHS)"
        raise InvalidRequest.at("/epochs", f'{detail}; send fewer, or "method": "spectral", which has no limit')
    return max_autograd_epochs if options.epochs is None else options.epochs


def _diverging(rate: float, descent: Descent) -> DivergingLearningRate:
    bound = rounded_down(descent.max_stable_rate or np.inf, 6)
    return DivergingLearningRate(
        f"learning_rate {rate:g} makes gradient descent diverge on this data: it must be below {bound:g}. "
        'Use a smaller one, or "auto".',
        [Fault("/learning_rate", f"must be below {bound:g}")],
        largest_stable_learning_rate=bound,
    )


def _walk(
    options: Options, rows: Batch | None, start: Start, descent: Descent, rate: float, epochs: int
) -> tuple[History, Iterate]:
    """Return the history of the descent and its last coefficients: after `epochs`, or before its numbers overflow."""
    shown = history_epochs(epochs)
    if options.method == "autograd":
        if rows is None:
            raise InvalidRequest.at("/method", 'autograd needs all rows, which an append does not have; use "spectral"')
        steps = autograd.walk(rows, start.w, start.b, descent.coordinates, descent.optimum.l2, rate, epochs)
        w, b, level = (part[shown] for part in steps)
    else:
        w, b, level = descent.at(rate, shown)
    loss = descent.optimum.problem.mean_squared_error(w, level)
    l2 = descent.optimum.l2
    objective = loss + (l2 * np.square(w).sum(axis=-1) if l2 else 0.0)
    is_finite = np.isfinite(objective) & np.isfinite(w).all(axis=1)
    last = len(is_finite) - 1 if is_finite.all() else max(int(np.argmin(is_finite)) - 1, 0)
    until = slice(last + 1)
    return History(shown[until], loss[until], objective[until]), Iterate(w[last], b[last], level[last])


def _descent_warnings(fitted: Fit, rate: float, *, diverges: bool) -> Iterator[FitWarning]:
    if diverges:
        yield FitWarning("diverging", _diverging(rate, fitted.descent).detail)
    elif fitted.epochs is None:
        yield SLOW_CONVERGENCE
    elif not fitted.converged:
        measure = "objective" if fitted.options.l2 else "loss"
        may_omit = fitted.options.method == "spectral"
        smallest = fitted.descent.optimum.objective
        yield not_converged(fitted.epochs, measure, fitted.objective, smallest, may_omit=may_omit)
