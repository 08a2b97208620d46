"""Compare numbers with bounds: in Python if there are few, because a numpy reduction takes microseconds at any size."""

import math

import numpy as np

from service.core.blocks import FloatArray

MAX_PYTHON_SIZE = 16


def all_within(values: FloatArray, bound: float) -> bool:
    """Return whether every number of `values`, of any shape, is within ±bound; NaN is not."""
    if values.size <= MAX_PYTHON_SIZE:
        for value in values.ravel().tolist():  # noqa: SIM110 - all() is several times slower
            if not -bound <= value <= bound:
                return False
        return True
    flat = values.ravel(order="K")
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.dot(flat, flat)
    if squares <= bound * bound:  # one pass suffices for nearly all data
        return True
    return bool(values.min() >= -bound and values.max() <= bound)


def all_finite(values: FloatArray) -> bool:
    """Return whether every number of `values` (n,) is finite."""
    if values.size <= MAX_PYTHON_SIZE:
        return all(map(math.isfinite, values.tolist()))
    return bool(np.isfinite(values).all())


class ColumnRanges:
    """The ranges of columns, from `lowest` (d,) to `highest` (d,)."""

    def __init__(self, lowest: FloatArray, highest: FloatArray) -> None:
        self._lowest, self._highest = lowest, highest
        is_narrow = len(lowest) <= MAX_PYTHON_SIZE
        self._pairs = list(zip(lowest.tolist(), highest.tolist(), strict=True)) if is_narrow else []

    def count_outside(self, x: FloatArray) -> int:
        """Return the number of rows of x (n, d) with a value outside of its column's range."""
        if x.size <= MAX_PYTHON_SIZE:
            return sum(map(self._is_outside, x.tolist()))
        return int(((x < self._lowest) | (x > self._highest)).any(axis=1).sum())

    def _is_outside(self, row: list[float]) -> bool:
        for value, (low, high) in zip(row, self._pairs, strict=True):  # noqa: SIM110 - any() is several times slower
            if value < low or value > high:
                return True
        return False
