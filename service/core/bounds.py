"""Whether numbers are within bounds. NumPy's reductions cost microseconds each, whatever the size: a few numbers are
compared one by one."""

import math

import numpy as np

from service.core.blocks import FloatArray

FEW = 16


def all_within(values: FloatArray, bound: float) -> bool:
    """Whether no number of `values`, of any shape, is missing or beyond ±bound."""
    if values.size <= FEW:
        for value in values.ravel().tolist():  # noqa: SIM110 - all() takes far longer
            if not -bound <= value <= bound:
                return False
        return True
    flat = values.ravel(order="K")
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.dot(flat, flat)
    if squares <= bound * bound:  # one pass is enough for nearly all data
        return True
    return bool(values.min() >= -bound and values.max() <= bound)


def all_finite(values: FloatArray) -> bool:
    """Whether every number of `values` (n,) is finite."""
    if values.size <= FEW:
        return all(map(math.isfinite, values.tolist()))
    return bool(np.isfinite(values).all())


class ColumnRanges:
    """The ranges of some columns, from `lowest` (d,) to `highest` (d,)."""

    def __init__(self, lowest: FloatArray, highest: FloatArray) -> None:
        self._lowest, self._highest = lowest, highest
        self._pairs = list(zip(lowest.tolist(), highest.tolist(), strict=True)) if len(lowest) <= FEW else []

    def count_outside(self, x: FloatArray) -> int:
        """How many rows of x (n, d) have a number outside the range of its column."""
        if x.size <= FEW:
            return sum(map(self._is_outside, x.tolist()))
        return int(((x < self._lowest) | (x > self._highest)).any(axis=1).sum())

    def _is_outside(self, row: list[float]) -> bool:
        for value, (low, high) in zip(row, self._pairs, strict=True):  # noqa: SIM110 - any() takes far longer
            if value < low or value > high:
                return True
        return False
