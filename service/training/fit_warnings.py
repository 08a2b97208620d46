"""Warnings about a fit: properties of the data, of the learning rate and of convergence."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from service.artifact.columns import Columns
from service.core.optimum import Optimum
from service.core.statistics import Statistics
from service.errors import counted


@dataclass(frozen=True)
class FitWarning:
    """A warning: a stable `type`, a sentence with a remedy, and the columns concerned."""

    type: str
    detail: str
    columns: list[str] = field(default_factory=list)


SLOW_CONVERGENCE = FitWarning(
    "slow-convergence",
    "Convergence takes more than 2^53 epochs at this learning_rate, so epochs is null; the coefficients are the limit. "
    'Use a larger learning_rate or "auto".',
)


PERFECT_FIT = FitWarning(
    "perfect-fit",
    "The model fits every row: the residuals are rounding errors. Do not use the standard errors, t statistics, "
    "p-values or intervals, because they measure rounding.",
)


def data_warnings(statistics: Statistics, optimum: Optimum, columns: Columns) -> Iterator[FitWarning]:
    """Warn of constant and linearly dependent columns, of too few rows, and of residuals that are rounding errors."""
    undetermined = optimum.unidentified
    constant = undetermined & (optimum.problem.spread == 0)
    if constant.any():
        names = _names(columns, constant)
        yield FitWarning(
            "constant", f"Constant columns have no unique coefficient: {', '.join(names)}. Drop them.", names
        )
    if (undetermined & ~constant).any():
        yield _collinear(_names(columns, undetermined & ~constant), len(optimum.null) - int(constant.sum()))
    parameters = len(columns.names) - len(optimum.null) + optimum.problem.fit_intercept
    if statistics.n <= parameters:
        rows, free = counted(statistics.n, "row"), counted(parameters, "parameter")
        detail = f"{rows} for {free}: the model also fits the noise. Add rows or drop columns."
        yield FitWarning("underdetermined", detail)
    elif not optimum.l2 and optimum.is_perfect:
        yield PERFECT_FIT


def row_number(names: list[str]) -> FitWarning:
    """Return the warning about columns that count the rows."""
    detail = (
        f"Columns count the rows, like a saved row index: {', '.join(names)}. Leave them out, in a table by naming the "
        "others with x=, unless they are measurements."
    )
    return FitWarning("row-number", detail, names)


def not_converged(epochs: int, measure: str, reached: float, smallest: float, *, may_omit: bool) -> FitWarning:
    """Return the warning about a descent that stopped after `epochs` at a loss or objective above the smallest."""
    detail = (
        f"Gradient descent stopped after {counted(epochs, 'epoch')}, before it converged: its {measure} is "
        f"{reached:.6g} and the smallest possible is {smallest:.6g}. "
    )
    detail += "Increase epochs, or omit it." if may_omit else "Increase epochs."
    return FitWarning("not-converged", detail)


def _collinear(names: list[str], redundant: int) -> FitWarning:
    *others, last = names
    listing = f"{', '.join(others)} and {last}"
    drop = "one" if redundant == 1 else f"{redundant} of them"
    detail = f"{listing} are linearly dependent, so their coefficients are not unique. Drop {drop}."
    return FitWarning("collinear", detail, names)


def _names(columns: Columns, mask: npt.NDArray[np.bool_]) -> list[str]:
    return [name for name, chosen in zip(columns.names, mask, strict=True) if chosen]
