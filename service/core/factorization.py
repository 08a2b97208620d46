"""Compute R of a block of rows: by a Gram matrix where that is exact, else by Householder reflections.

Reflections (LAPACK's dgeqrf) are exact for any data but work column by column. The Cholesky factor of a Gram matrix is
R as well and takes a third of the time, but its error grows with the variance inflation of the columns. Two steps
remove the usual causes of inflation: X is shifted to its mean, and y is replaced by its residual from a regression. A
sample of the rows suffices for both, because neither has to be exact. Blocks that are still inflated are factored by
reflections.
"""

from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np
from scipy.linalg import blas, lapack

from service.core.blocks import FloatArray
from service.core.triangle import SAFE_SQUARES, factor_in_place, is_well_conditioned, qr_triangle

CHUNK_VALUES = 1 << 17
"""Values per chunk, which then stays in the CPU caches."""
MIN_CHUNK_ROWS = 1024
SAMPLE_ROWS = 128
MAX_PAIRWISE_COLUMNS = 5
"""Up to this width products of pairs of columns are faster than BLAS' dsyrk."""
MAX_REFINEMENT_INFLATION = 1e10
"""The variance inflation up to which the corrected seminormal equations surely reduce the error."""


class BlockFactor(NamedTuple):
    """R of the rows of a block.

    triangle: (k, k), R of √w·[1, [X, y] − origin]. origin, lowest, highest: (k−1,), of the columns [X, y].
    """

    triangle: FloatArray
    origin: FloatArray
    lowest: FloatArray
    highest: FloatArray


def factor_block(x: FloatArray, y: FloatArray, weight: FloatArray | None) -> BlockFactor:
    """Return R of the rows x (m, d), y (m,), weight (m,) > 0, with m > 0, in any memory order."""
    with np.errstate(all="ignore"):
        factor = factor_by_gram(x, y, weight) if len(y) > _chunk_rows(x.shape[1] + 2) else None
        return factor_by_reflections(x, y, weight) if factor is None else factor


def factor_by_reflections(x: FloatArray, y: FloatArray, weight: FloatArray | None) -> BlockFactor:
    """Return R by sequential TSQR: each chunk is stacked with R and factored again.

    Source: Demmel et al., "Communication-optimal parallel and sequential QR and LU factorizations" (2012).
    """
    rows = _RowChunks(x, y, weight)
    k, chunk_rows = rows.k, max(_chunk_rows(rows.k), 4 * rows.k)
    triangle = np.zeros((k, k))
    origin = rows.copy_rows(slice(0, chunk_rows)).mean(axis=0)
    stacked = np.empty((k + min(chunk_rows, rows.m), k), order="F")
    for start in range(0, rows.m, chunk_rows):
        m = min(chunk_rows, rows.m - start)
        # The first k rows are rounded to the magnitude of the rows that they are reflected on to. R is below the chunk,
        # because above a jump of the data it would lose the digits of all earlier rows. Zeros precede the first chunk.
        above = 0 if start else k
        chunk = stacked[above : above + m]
        chunk[:, 0] = 1.0
        rows.fill(chunk, start, origin)
        stacked[:above] = 0.0
        stacked[above + m : k + m] = triangle[above:]
        if m == rows.m:
            triangle = _refined(factor_in_place(stacked.copy("F")), chunk)
        else:
            triangle = factor_in_place(stacked if m == len(stacked) - k else np.asfortranarray(stacked[: k + m]))
    return BlockFactor(triangle, origin, rows.lowest, rows.highest)


def factor_by_gram(x: FloatArray, y: FloatArray, weight: FloatArray | None) -> BlockFactor | None:
    """Return R as the Cholesky factor of the Gram matrix; None where that would lose digits."""
    rows = _RowChunks(x, y, weight)
    sample = rows.copy_rows(rows.sample(max(SAMPLE_ROWS, 2 * rows.k)))
    origin = sample.mean(axis=0)
    slopes = regression_slopes(sample - origin)
    if slopes is None:
        return None
    gram = np.zeros((rows.k, rows.k))
    chunk_rows = _chunk_rows(rows.k)
    buffer = np.empty((chunk_rows, rows.k), order="F")
    buffer[:, 0] = 1.0
    for start in range(0, rows.m, chunk_rows):
        chunk = buffer[: rows.m - start]
        rows.fill(chunk, start, origin, slopes)
        gram += _gram(chunk)
    triangle = _cholesky(gram)
    if triangle is None:
        return None
    triangle[:, -1] += triangle[:, 1:-1] @ slopes
    return BlockFactor(triangle, origin, rows.lowest, rows.highest)


def regression_slopes(sample: FloatArray) -> FloatArray | None:
    """Return the slopes (d,) of y on X in `sample` (m, d+1), shifted rows of [X, y]; None if X is inflated."""
    triangle = qr_triangle(np.column_stack([np.ones(len(sample)), sample]))
    if not is_well_conditioned(triangle[:-1, :-1]):
        return None
    solution, _ = lapack.dtrtrs(triangle[1:-1, 1:-1], triangle[1:-1, -1])
    slopes: FloatArray = solution
    return slopes


class _RowChunks:
    """The rows of a block, copied in chunks to Fortran order; `lowest` and `highest` are taken from the copied rows."""

    def __init__(self, x: FloatArray, y: FloatArray, weight: FloatArray | None) -> None:
        self._x, self._y, self._weight = x, y[:, None], weight
        self.m, self.k = len(y), x.shape[1] + 2
        self.lowest = np.full(self.k - 1, np.inf)
        self.highest = np.full(self.k - 1, -np.inf)

    def copy_rows(self, rows: slice) -> FloatArray:
        """Return [X, y] of `rows` in Fortran order."""
        x = self._x[rows]
        values = np.empty((len(x), self.k - 1), order="F")
        values[:, :-1] = x
        values[:, -1:] = self._y[rows]
        return values

    def sample(self, min_rows: int) -> slice:
        """Return evenly spaced rows, at least `min_rows` if there are as many."""
        return slice(None, None, max(1, self.m // min_rows))

    def fill(self, chunk: FloatArray, start: int, origin: FloatArray, slopes: FloatArray | None = None) -> None:
        """Write √w·[1, X − origin, y − origin − (X − origin)·slopes] of the rows from `start` on to `chunk`.

        Without weights the first column is not written: it is 1 already.
        """
        rows = slice(start, start + len(chunk))
        self._shift(self._x[rows], origin, chunk[:, 1:-1], slice(0, -1))
        self._shift(self._y[rows], origin, chunk[:, -1:], slice(-1, None))
        if slopes is not None:  # numpy's product with one column takes ten times as long as dgemv
            blas.dgemv(-1.0, chunk[:, 1:-1], slopes, 1.0, chunk[:, -1], overwrite_y=1)
        if self._weight is not None:
            np.sqrt(self._weight[rows], out=chunk[:, 0])
            chunk[:, 1:] *= chunk[:, :1]

    def _shift(self, source: FloatArray, origin: FloatArray, target: FloatArray, columns: slice) -> None:
        if source.strides[0] != source.itemsize:  # strided columns are gathered once, not for each of the operations
            target[:] = source
            source = target
        lowest, highest = self.lowest[columns], self.highest[columns]
        np.minimum(lowest, source.min(axis=0), out=lowest)
        np.maximum(highest, source.max(axis=0), out=highest)
        np.subtract(source, origin[columns], out=target)


def _chunk_rows(k: int) -> int:
    return max(CHUNK_VALUES // k, MIN_CHUNK_ROWS)


def _refined(triangle: FloatArray, rows: FloatArray) -> FloatArray:
    """Return `triangle`, R of `rows` = [A, t], with a last column nearer to R⁻ᵀAᵀt.

    Simple data then have round coefficients. Source: the corrected seminormal equations, Rβ + R⁻ᵀAᵀ(t − Aβ) (Björck,
    "Stability analysis of the method of seminormal equations", 1987). A Gram matrix of residuals needs no refinement.
    """
    design = triangle[:-1, :-1]
    if not is_well_conditioned(design, MAX_REFINEMENT_INFLATION):
        return triangle
    solution, _ = lapack.dtrtrs(design, triangle[:-1, -1])
    residual = rows[:, -1] - rows[:, :-1] @ solution
    correction, _ = lapack.dtrtrs(design, residual @ rows[:, :-1], trans=1)
    triangle[:-1, -1] = design.astype(np.longdouble) @ solution + correction
    return triangle


def _gram(chunk: FloatArray) -> FloatArray:
    """Return chunkᵀ·chunk (k, k), of which at least the upper triangle is set."""
    k = chunk.shape[1]
    if k > MAX_PAIRWISE_COLUMNS:
        product: FloatArray = chunk.T @ chunk
        return product
    gram = np.zeros((k, k))
    columns = list(chunk.T)
    for i, j in combinations_with_replacement(range(k), 2):
        gram[i, j] = columns[i] @ columns[j]
    return gram


def _cholesky(gram: FloatArray) -> FloatArray | None:
    """Return R with RᵀR = `gram`, from its upper triangle; None where it would be less exact than by reflections."""
    squares = np.diagonal(gram)
    if not (squares.min() > SAFE_SQUARES[0] and squares.max() < SAFE_SQUARES[1]):
        return None
    scale = np.sqrt(squares)
    upper, info = lapack.dpotrf(gram / scale / scale[:, None], lower=0, clean=1)
    if info != 0 or not is_well_conditioned(upper):
        return None
    triangle: FloatArray = upper * scale
    return triangle
