"""One fit, from rows and options: which start, which rate, how far, and what to warn of."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import ROUND_FLOOR, Context
from typing import Literal

import numpy as np
import numpy.typing as npt

from service.artifact.columns import Columns
from service.core.blocks import Batch, FloatArray
from service.core.descent import MAX_EPOCHS, Descent, IntArray, history_epochs
from service.core.inference import Inference, infer
from service.core.optimum import LeastSquares, Optimum
from service.core.statistics import Statistics
from service.errors import DivergingLearningRate, Fault, InvalidRequest, counted
from service.training import autograd

SMALLEST = 1e-150
"""A column that stays below this magnitude has squares that underflow."""
SHOWN_OF_DIVERGENCE = 100
"""The epochs of a diverging descent that are shown where none are asked for."""
DISTANT = "The limit is more than 2^53 epochs away at this learning_rate, so epochs is null."


@dataclass(frozen=True)
class Start:
    """Where a descent starts: w (d,), the names it came under, and b."""

    w: FloatArray
    names: tuple[str, ...] | None
    b: float


@dataclass(frozen=True)
class Options:
    """How to train: the fields of `POST /train`. None stands for a default that depends on the rest."""

    method: Literal["spectral", "autograd"] = "spectral"
    learning_rate: float | Literal["auto"] = "auto"
    epochs: int | None = None
    seed: int | None = None
    initial: Start | None = None
    standardize: bool | None = None
    fit_intercept: bool = True
    l2: float = 0.0


@dataclass(frozen=True)
class FitWarning:
    """What a fit's reader should know of it."""

    type: str
    detail: str
    columns: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class History:
    """The loss curve: `epoch`, `loss` and `objective`, each (k,)."""

    epoch: IntArray
    loss: FloatArray
    objective: FloatArray


@dataclass(frozen=True)
class Fit:
    """A line, how descent came to it, and how far that is from the best one there is.

    asked, options: those asked for, and the effective ones. epochs: the steps to the line, None where the limit is
    past 2⁵³ of them.
    """

    columns: Columns
    statistics: Statistics
    asked: Options
    options: Options
    start: Start
    descent: Descent
    w: FloatArray
    b: float
    epochs: int | None
    history: History
    inference: Inference
    warnings: list[FitWarning]

    @property
    def loss(self) -> float:
        """The mean squared error of the line."""
        return float(self.descent.optimum.problem.mean_squared_error(self.w, self.b))

    @property
    def objective(self) -> float:
        """The loss with the penalty."""
        l2 = self.options.l2
        return self.loss + l2 * float(np.square(self.w).sum()) if l2 else self.loss

    @property
    def r2(self) -> float:
        """Return R² of the fitted coefficients on the training data; NaN where y does not vary."""
        return self.descent.optimum.problem.r_squared(self.loss)

    @property
    def converged(self) -> bool:
        """Whether the line is the limit of the descent."""
        return self.descent.has_converged(self.w, self.b)


def fit(
    statistics: Statistics,
    columns: Columns,
    options: Options,
    most_autograd_epochs: int,
    *,
    rows: Batch | None,
    show_divergence: bool = False,
) -> Fit:
    """Fit the data of `statistics`, whose x has `columns`; the autograd method walks its `rows`.

    Raises InvalidRequest, and DivergingLearningRate unless divergence is to be shown.
    """
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            fitted = _fit(statistics, columns, options, most_autograd_epochs, rows, show_divergence=show_divergence)
            is_finite = all(np.isfinite(part).all() for part in _results(fitted))
    except (np.linalg.LinAlgError, OverflowError):
        is_finite = False
    if not is_finite:
        raise InvalidRequest("The fit has numbers that no float64 holds; send x and y in units nearer to 1.")
    return fitted


def _results(fitted: Fit) -> Iterator[FloatArray]:
    descent, inference = fitted.descent, fitted.inference
    yield fitted.history.objective
    yield np.array([fitted.b, fitted.objective, descent.limit_b, descent.optimum.loss, inference.rss])
    yield np.concatenate([fitted.w, descent.limit_w])
    if inference.std_errors is not None:
        yield np.nan_to_num(inference.std_errors.w, nan=0.0, posinf=np.inf)


def _fit(
    statistics: Statistics,
    columns: Columns,
    options: Options,
    most_autograd_epochs: int,
    rows: Batch | None,
    *,
    show_divergence: bool,
) -> Fit:
    _check_scales(statistics, columns)
    optimum = Optimum.of(LeastSquares.of(statistics, fit_intercept=options.fit_intercept), options.l2)
    start = _start(options, columns)
    standardize = _standardize(options)
    descent = Descent.of(optimum, start.w, start.b, standardize=standardize)
    rate = _rate(options.learning_rate, descent)
    epochs = _epochs(options, most_autograd_epochs)
    warnings = list(_warnings(statistics, optimum, columns))
    if not _is_stable(rate, descent):
        if not show_divergence:
            raise _diverging(rate, descent)
        epochs = SHOWN_OF_DIVERGENCE if epochs is None else epochs
        warnings.append(FitWarning("diverging", _diverging(rate, descent).detail))
    reached = descent.epochs_to_limit(rate) if epochs is None else epochs
    if reached is None:
        warnings.append(FitWarning("slow-convergence", DISTANT))
    history, w, b = _walk(options, rows, start, descent, rate, MAX_EPOCHS if reached is None else reached)
    fitted = Fit(
        columns=columns,
        statistics=statistics,
        asked=options,
        options=replace(options, learning_rate=rate, epochs=epochs, standardize=standardize),
        start=start,
        descent=descent,
        w=descent.limit_w if epochs is None else w,
        b=descent.limit_b if epochs is None else b,
        epochs=reached if epochs is None else int(history.epoch[-1]),
        history=history,
        inference=infer(statistics, optimum),
        warnings=warnings,
    )
    if _is_stable(rate, descent) and not fitted.converged:
        warnings.append(_not_converged(fitted))
    return fitted


def _check_scales(statistics: Statistics, columns: Columns) -> None:
    """Refuse a column whose squares underflow; those whose squares overflow were refused when they were read."""
    largest = np.maximum(np.abs(statistics.lowest), np.abs(statistics.highest))
    for what, size in zip((*(f"column {name!r}" for name in columns.names), "y"), largest, strict=True):
        if 0 < size < SMALLEST:
            raise InvalidRequest(
                f"All numbers of {what} are within ±{SMALLEST:g}, where squares vanish; use other units."
            )


def rounded_down(value: float, digits: int) -> float:
    """`value` > 0 to so many significant digits, never upwards: a bound that is printed so can be relied on."""
    return float(Context(prec=digits, rounding=ROUND_FLOOR).create_decimal_from_float(value))


def _start(options: Options, columns: Columns) -> Start:
    d = len(columns.names)
    if options.seed is not None:
        return Start(autograd.seeded_weights(options.seed, d), columns.names, 0.0)
    if options.initial is None:
        return Start(np.zeros(d), columns.names, 0.0)
    given = options.initial
    if given.b and not options.fit_intercept:
        raise InvalidRequest.at("/initial/b", "is not zero, but fit_intercept is false; leave it out")
    w = columns.arrange(given.w[None, :], given.names, "/initial/w")
    return Start(w[0], columns.names, given.b)


def _standardize(options: Options) -> bool:
    """A rate given as a number means plain descent in the user's own units, unless it is said otherwise."""
    return options.learning_rate == "auto" if options.standardize is None else options.standardize


def _epochs(options: Options, most_autograd_epochs: int) -> int | None:
    """The steps to take; None for all the way to the limit, which a loop cannot promise."""
    if options.method == "spectral":
        return options.epochs
    if options.epochs is not None and options.epochs > most_autograd_epochs:
        hint = f"is past the {most_autograd_epochs} that the autograd method may walk (DESCENT_MAX_AUTOGRAD_EPOCHS)"
        raise InvalidRequest.at("/epochs", f'{hint}; send fewer, or "method": "spectral", where epochs are free')
    return most_autograd_epochs if options.epochs is None else options.epochs


def _rate(wanted: float | Literal["auto"], descent: Descent) -> float:
    return descent.auto_rate if wanted == "auto" else wanted


def _is_stable(rate: float, descent: Descent) -> bool:
    return descent.max_stable_rate is None or rate < descent.max_stable_rate


def _diverging(rate: float, descent: Descent) -> DivergingLearningRate:
    bound = rounded_down(descent.max_stable_rate or np.inf, 6)
    return DivergingLearningRate(
        f"learning_rate {rate:g} makes gradient descent diverge on this data: it must be below {bound:g}. "
        'Send a smaller one, or "auto".',
        [Fault("/learning_rate", f"must be below {bound:g}")],
        largest_stable_learning_rate=bound,
    )


def _walk(
    options: Options, rows: Batch | None, start: Start, descent: Descent, rate: float, epochs: int
) -> tuple[History, FloatArray, float]:
    """The history of the descent and where it ends: after `epochs`, or before its numbers overflow."""
    shown = history_epochs(epochs)
    if options.method == "autograd":
        if rows is None:
            raise InvalidRequest.at("/method", 'autograd walks the rows, which an append does not have; use "spectral"')
        steps = autograd.walk(rows, start.w, start.b, descent.coordinates, descent.optimum.l2, rate, epochs)
        w, b = steps.w[shown], steps.b[shown]
    else:
        w, b = descent.at(rate, shown)
    history = _history(descent.optimum, shown, w, b)
    held = np.isfinite(history.objective) & np.isfinite(w).all(axis=1)
    last = len(held) - 1 if held.all() else max(int(np.argmin(held)) - 1, 0)
    until = slice(last + 1)
    return History(history.epoch[until], history.loss[until], history.objective[until]), w[last], float(b[last])


def _history(optimum: Optimum, epochs: IntArray, w: FloatArray, b: FloatArray) -> History:
    loss = optimum.problem.mean_squared_error(w, b)
    penalty = optimum.l2 * np.square(w).sum(axis=-1) if optimum.l2 else 0.0
    return History(epochs, loss, loss + penalty)


def _warnings(statistics: Statistics, optimum: Optimum, columns: Columns) -> Iterator[FitWarning]:
    undetermined = optimum.unidentified
    flat = undetermined & (optimum.problem.spread == 0)
    if flat.any():
        names = _chosen(columns, flat)
        yield FitWarning("constant", f"Constant columns have no coefficient to estimate: {', '.join(names)}.", names)
    if (undetermined & ~flat).any():
        names = _chosen(columns, undetermined & ~flat)
        detail = f"Columns that the data cannot tell apart keep part of their start: {', '.join(names)}."
        yield FitWarning("collinear", detail, names)
    parameters = len(columns.names) - len(optimum.null) + optimum.problem.fit_intercept
    if statistics.n <= parameters:
        rows, free = counted(statistics.n, "row"), counted(parameters, "parameter")
        yield FitWarning("underdetermined", f"{rows} for {free}: the line fits the noise as closely as the signal.")


def _not_converged(fitted: Fit) -> FitWarning:
    measure = "objective" if fitted.options.l2 else "loss"
    optimum = fitted.descent.optimum
    detail = (
        f"Gradient descent stopped after {counted(fitted.epochs or 0, 'epoch')}, before it converged: its {measure} is "
        f"{fitted.objective:.6g} and the smallest possible is {optimum.objective:.6g}. Increase epochs"
    )
    return FitWarning("not-converged", f"{detail}{', or omit it' if fitted.options.method == 'spectral' else ''}.")


def _chosen(columns: Columns, mask: npt.NDArray[np.bool_]) -> list[str]:
    return [name for name, chosen in zip(columns.names, mask, strict=True) if chosen]
