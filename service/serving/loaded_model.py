"""A model version in memory."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

import numpy as np

from service.artifact import torchscript
from service.artifact.columns import Columns
from service.core.blocks import FloatArray
from service.core.bounds import ColumnRanges, all_finite
from service.core.intervals import Intervals
from service.core.statistics import Mean
from service.errors import InvalidRequest
from service.store import Version

T = TypeVar("T")
HalfWidth = Callable[[FloatArray], FloatArray]


class Once(Generic[T]):
    """A value that the first caller computes, while others wait. If that fails, the next caller tries again."""

    def __init__(self, compute: Callable[[], T]) -> None:
        self._compute = compute
        self._lock = threading.Lock()
        self._value: T | None = None

    def get(self) -> T:
        """Return the value."""
        with self._lock:
            if self._value is None:
                self._value = self._compute()
            return self._value


@dataclass(frozen=True)
class LoadedModel:
    """A version in memory.

    ranges, mean: those of the columns in the training data.
    intervals: the basis of its intervals, or the reason why it has none; computed at the first request for one.
    """

    version: Version
    columns: Columns
    module: torchscript.Module
    ranges: ColumnRanges
    mean: Mean
    intervals: Once[Intervals | str]

    def forward(self, x: FloatArray) -> FloatArray:
        """Return ŷ (n,) of x (n, d), columns in the model's order; a value that overflows is infinite or NaN."""
        return torchscript.predict(self.module, x)

    def predict(self, x: FloatArray, pointer: Callable[[int], str]) -> FloatArray:
        """Return ŷ (n,) of x (n, d), columns in the model's order.

        Raises InvalidRequest at the `pointer` of the first row whose prediction overflows.
        """
        y = self.forward(x)
        check_finite(y, "a prediction", pointer)
        return y

    def half_width(self, level: float, *, of_mean: bool) -> HalfWidth:
        """Return a function of x (n, d): half the width of the interval around each prediction, (n,).

        Raises InvalidRequest for coefficients other than the least-squares solution, or without standard errors.
        """
        intervals = self.intervals.get()
        if isinstance(intervals, str):
            raise InvalidRequest.at("/interval", intervals)
        return partial(intervals.half_width, level=level, of_mean=of_mean)

    def contributions(self, x: FloatArray) -> FloatArray:
        """Return what each column adds to the prediction for the mean row: w_j·(x_j − mean_j), (n, d)."""
        return torchscript.coefficients(self.module).w * self.mean.deviations(x)

    @property
    def mean_prediction(self) -> float:
        """Return the prediction for the mean row."""
        w, _, origin, c = torchscript.coefficients(self.module)
        return float(w @ ((self.mean.origin - origin) + self.mean.offset) + c)


def check_finite(values: FloatArray, what: str, pointer: Callable[[int], str]) -> None:
    """Raise InvalidRequest at the `pointer` of the first row whose value, of (n,), is not finite."""
    if not all_finite(values):
        row = int(np.argmin(np.isfinite(values)))
        raise InvalidRequest.at(pointer(row), f"has {what} that overflows float64; send values of smaller magnitude")
