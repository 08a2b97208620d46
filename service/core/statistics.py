"""Sufficient statistics of a linear model: all of the data in one small triangle.

Squared error over n rows depends on the data only through R, the triangular factor of a QR factorisation of
√w·[1, X, y] (Golub & Van Loan, Matrix Computations, §5.3). Rows come in blocks, each stacked under R and factored
again: the sequential TSQR of Demmel et al., "Communication-optimal parallel and sequential QR" (2012).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.linalg import lapack

FloatArray = npt.NDArray[np.float64]

BLOCK_ROWS = 16_384
"""Rows factored at a time for a few columns: the block then stays in a core's cache."""
BLOCK_VALUES = 1 << 18
"""Values in a block of many columns, unless that leaves fewer rows than pay for the triangle above them."""


class Batch(NamedTuple):
    """Some rows of the data: `x` (m, d), `y` (m,) and, when rows are weighted, `weight` (m,)."""

    x: FloatArray
    y: FloatArray
    weight: FloatArray | None = None


@dataclass(frozen=True)
class Statistics:
    """What least squares needs to know of n rows of d columns.

    triangle: (d+2, d+2), upper triangular with a non-negative diagonal: R of √w·[1, [X, y] − origin], so that
        R₀₀ = √Σw. A large mean kept in R would cost the deviations from it their digits.
    origin: (d+1,), a point near the data.
    n: the number of rows of positive weight, a fraction once decayed.
    lowest, highest: (d+1,), the ranges of the columns of X and then of y over those rows.
    log_weight: Σ log w, which a likelihood needs; NaN once decayed, when rows are no longer counted whole.
    """

    triangle: FloatArray
    origin: FloatArray
    n: float
    lowest: FloatArray
    highest: FloatArray
    log_weight: float = 0.0

    @property
    def d(self) -> int:
        """The number of columns of X."""
        return len(self.triangle) - 2

    @property
    def raw_triangle(self) -> FloatArray:
        """R of √w·[1, X, y]."""
        return _moved(self.triangle, self.origin)

    @property
    def means(self) -> FloatArray:
        """(d+1,): the weighted means of the columns of X and of y."""
        result: FloatArray = self.origin + self.triangle[0, 1:] / self.triangle[0, 0]
        return result


def gather(batches: Iterable[Batch], d: int) -> Statistics:
    """The statistics of all rows of `batches`, each of d columns, in one pass and constant memory.

    Blocks are cut by row count, so the same rows give the same bits however they were cut into batches.
    """
    reducer = _Reducer(d)
    for batch in batches:
        reducer.add(_of_positive_weight(batch))
    return reducer.statistics()


def merge(a: Statistics, b: Statistics) -> Statistics:
    """The statistics of the rows of both: R = qr([R_a; R_b]), exact up to rounding."""
    stacked = np.vstack([a.triangle, _moved(b.triangle, b.origin - a.origin)])
    return Statistics(
        triangle=upper_factor(stacked),
        origin=a.origin,
        n=a.n + b.n,
        lowest=np.minimum(a.lowest, b.lowest),
        highest=np.maximum(a.highest, b.highest),
        log_weight=a.log_weight + b.log_weight,
    )


def decay(statistics: Statistics, factor: float) -> Statistics:
    """The statistics with every row's weight and count multiplied by `factor` (0 < factor ≤ 1); ranges stay."""
    return Statistics(
        triangle=np.sqrt(factor) * statistics.triangle,
        origin=statistics.origin,
        n=factor * statistics.n,
        lowest=statistics.lowest,
        highest=statistics.highest,
        log_weight=statistics.log_weight if factor == 1 else np.nan,
    )


def upper_factor(rows: FloatArray) -> FloatArray:
    """R of a QR factorisation of `rows` (m, k): (k, k), upper triangular with a non-negative diagonal."""
    m, k = rows.shape
    padded = np.zeros((max(m, k), k), order="F")
    padded[:m] = rows
    return _factor_in_place(padded)


def _factor_in_place(block: FloatArray) -> FloatArray:
    """R of `block` (m, k), m ≥ k, in Fortran order; `block` is overwritten."""
    k = block.shape[1]
    factored, _, _, info = lapack.dgeqrf(block, overwrite_a=1)
    if info != 0:
        raise ValueError(f"dgeqrf refused its argument {-info}")
    triangle: FloatArray = np.triu(factored[:k])
    triangle[np.diagonal(triangle) < 0] *= -1
    return triangle


def _moved(triangle: FloatArray, by: FloatArray) -> FloatArray:
    """R of [1, Z + by] from R of [1, Z]: only the row of the means changes."""
    moved = triangle.copy()
    moved[0, 1:] += triangle[0, 0] * by
    return moved


def _of_positive_weight(batch: Batch) -> Batch:
    if batch.weight is None or batch.weight.min(initial=np.inf) > 0:
        return batch
    kept = batch.weight > 0
    return Batch(batch.x[kept], batch.y[kept], batch.weight[kept])


def _block_rows(d: int) -> int:
    return max(min(BLOCK_ROWS, BLOCK_VALUES // (d + 2)), 4 * (d + 2))


class _Reducer:
    """Factors rows block by block, all relative to the means of the first block."""

    def __init__(self, d: int) -> None:
        self._k = d + 2
        self._capacity = _block_rows(d)
        self._block = np.empty((0, self._k), order="F")
        self._filled = 0
        self._triangle = np.zeros((self._k, self._k))
        self._origin: FloatArray | None = None
        self._n = 0
        self._lowest = np.full(d + 1, np.inf)
        self._highest = np.full(d + 1, -np.inf)
        self._log_weight = 0.0

    def add(self, batch: Batch) -> None:
        start, m = 0, len(batch.y)
        if batch.weight is not None:
            self._log_weight += float(np.log(batch.weight).sum())
        while start < m:
            self._make_room(m - start)
            taken = min(m - start, self._capacity - self._filled)
            self._copy(batch, start, taken)
            start += taken
            if self._filled == self._capacity:
                self._reduce()

    def statistics(self) -> Statistics:
        if self._filled:
            self._reduce()
        origin = np.zeros(self._k - 1) if self._origin is None else self._origin
        return Statistics(self._triangle, origin, self._n, self._lowest, self._highest, self._log_weight)

    def _make_room(self, coming: int) -> None:
        """Grow the block to what is coming, at most its full size: a training on one row needs no large buffer."""
        wanted = min(self._capacity, self._filled + coming)
        if len(self._block) < self._k + wanted:
            rows = min(self._capacity, max(wanted, 2 * self._filled))
            grown = np.empty((self._k + rows, self._k), order="F")
            grown[: len(self._block)] = self._block
            self._block = grown

    def _copy(self, batch: Batch, start: int, taken: int) -> None:
        rows = slice(start, start + taken)
        space = self._block[self._k + self._filled :][:taken]
        space[:, 0] = 1.0 if batch.weight is None else np.sqrt(batch.weight[rows])
        space[:, 1:-1] = batch.x[rows]
        space[:, -1] = batch.y[rows]
        self._filled += taken

    def _reduce(self) -> None:
        k, m = self._k, self._filled
        rows = self._block[k : k + m]
        data = rows[:, 1:]
        np.minimum(self._lowest, data.min(axis=0), out=self._lowest)
        np.maximum(self._highest, data.max(axis=0), out=self._highest)
        if self._origin is None:
            self._origin = data.mean(axis=0)
        data -= self._origin
        if rows[:, 0].min() != 1.0 or rows[:, 0].max() != 1.0:
            data *= rows[:, :1]
        self._block[:k] = self._triangle
        used = self._block if m == self._capacity else np.asfortranarray(self._block[: k + m])
        self._triangle = _factor_in_place(used)
        self._n += m
        self._filled = 0
