"""Whether numbers are within bounds. NumPy's reductions cost microseconds each, whatever the size: a few numbers are
compared one by one."""

import math

import numpy as np

from service.core.blocks import FloatArray

FEW = 16


def all_within(values: FloatArray, bound: float) -> bool:
    """Whether no number of `values`, of any shape, is missing or beyond ±bound."""
    if values.size <= FEW:
        return all(-bound <= value <= bound for value in values.ravel().tolist())
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


def count_outside(x: FloatArray, lowest: FloatArray, highest: FloatArray) -> int:
    """How many rows of x (n, d) have a number below `lowest` (d,) or above `highest` (d,) of its column."""
    if x.size <= FEW:
        bounds = list(zip(lowest.tolist(), highest.tolist(), strict=True))
        return sum(
            any(value < low or value > high for value, (low, high) in zip(row, bounds, strict=True))
            for row in x.tolist()
        )
    return int(((x < lowest) | (x > highest)).any(axis=1).sum())
