"""R of a block of rows: by a Gram matrix where that is exact, by Householder reflections where it is not.

Reflections (LAPACK's dgeqrf) keep every digit of any data, but work a column at a time. A Gram matrix takes a third of
the time, and its Cholesky factor is R too; what it loses grows with the variance inflation of the columns, the diagonal
of the inverse of their scaled Gram matrix (Belsley, Kuh & Welsch, "Regression Diagnostics", 1980, §3). So X is shifted
to a mean and y to its distance from a line, both of a sample of the rows, which takes away the two usual causes of
inflation at no risk, since neither has to be exact; and a block whose columns are inflated all the same is reflected.
"""

import math
from functools import lru_cache
from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.linalg import blas, lapack

from service.core.blocks import FloatArray

CHUNK_VALUES = 1 << 17
"""Values worked on at a time: they stay in the caches from their first use to their last."""
CHUNK_ROWS = 1024
"""The fewest rows worked on at a time."""
SAMPLE_ROWS = 128
MOST_INFLATION = 10.0
"""The variance inflation up to which the rounding of a Gram matrix was seen to be below that of reflections."""
SAFE_SQUARES = (1e-250, 1e250)
"""Sums of squares in these bounds have lost nothing to underflow or overflow."""
FEW_COLUMNS = 5
"""Up to here a Gram matrix is quicker made of products of pairs of columns than by BLAS' dsyrk."""
MOST_INFLATION_TO_POLISH = 1e10
"""The variance inflation up to which the corrected seminormal equations surely come nearer to the truth."""


class BlockFactor(NamedTuple):
    """`triangle` (k, k) is R of √w·[1, [X, y] − origin]; origin, lowest, highest (k−1,) are of the columns [X, y]."""

    triangle: FloatArray
    origin: FloatArray
    lowest: FloatArray
    highest: FloatArray


def factor_block(x: FloatArray, y: FloatArray, weight: FloatArray | None) -> BlockFactor:
    """R of the rows x (m, d), y (m,), weight (m,) > 0, m > 0, in any memory order."""
    with np.errstate(all="ignore"):
        found = _by_gram(x, y, weight) if len(y) > _chunk_rows(x.shape[1] + 2) else None
        return _by_reflections(x, y, weight) if found is None else found


def qr_triangle(rows: FloatArray) -> FloatArray:
    """R of a QR factorisation of `rows` (m, k): (k, k), upper triangular with a non-negative diagonal."""
    m, k = rows.shape
    padded = np.zeros((max(m, k), k), order="F")
    padded[:m] = rows
    return _factor_in_place(padded)


def shift_origin(triangle: FloatArray, by: FloatArray) -> FloatArray:
    """R of [1, Z + by] from R of [1, Z]: only the row of the means changes."""
    result = triangle.copy()
    result[0, 1:] += triangle[0, 0] * by
    return result


def merge_triangles(a: FloatArray, b: FloatArray) -> FloatArray:
    """R of the rows of both, from R of √w·[1, Z] of each: (k, k).

    The two rows of means become the mean of all and the distance √(Σw_a·Σw_b/Σw)·(z̄_b − z̄_a) between the two (Chan,
    Golub & LeVeque, "Algorithms for computing the sample variance", 1983), which goes on top. Where Z jumps it dwarfs
    the other rows; below the first of `a` it would take their digits (Cox & Higham, "Stability of Householder QR
    factorization for weighted least squares problems", 1998).
    """
    root_of_weight = math.hypot(a[0, 0], b[0, 0])
    cosine, sine = np.array([a[0, 0], b[0, 0]]) / (root_of_weight or 1.0)
    distance = cosine * b[0] - sine * a[0]
    triangle = np.zeros_like(a)
    triangle[0] = cosine * a[0] + sine * b[0]
    triangle[1:, 1:] = qr_triangle(np.vstack([distance[1:], a[1:, 1:], b[1:, 1:]]))
    return triangle


def _factor_in_place(block: FloatArray) -> FloatArray:
    """R of `block` (m, k), m ≥ k, in Fortran order; `block` is overwritten."""
    k = block.shape[1]
    factored, _, _, info = lapack.dgeqrf(block, overwrite_a=1)
    if info != 0:
        raise ValueError(f"dgeqrf refused its argument {-info}")
    triangle: FloatArray = factored[:k] * np.copysign(1.0, factored.diagonal())[:, None]
    triangle[_below_diagonal(k)] = 0.0
    return triangle


@lru_cache(maxsize=4)
def _below_diagonal(k: int) -> npt.NDArray[np.bool_]:
    return np.tri(k, k, -1, dtype=np.bool_)


def _chunk_rows(k: int) -> int:
    return max(CHUNK_VALUES // k, CHUNK_ROWS)


class _Rows:
    """The rows of a block, brought piece by piece into Fortran order; their ranges are taken on the way."""

    def __init__(self, x: FloatArray, y: FloatArray, weight: FloatArray | None) -> None:
        self._x, self._y, self._weight = x, y[:, None], weight
        self.m, self.k = len(y), x.shape[1] + 2
        self.lowest = np.full(self.k - 1, np.inf)
        self.highest = np.full(self.k - 1, -np.inf)

    def raw(self, rows: slice) -> FloatArray:
        """[X, y] of some rows, in Fortran order."""
        x = self._x[rows]
        values = np.empty((len(x), self.k - 1), order="F")
        values[:, :-1] = x
        values[:, -1:] = self._y[rows]
        return values

    def sample(self, wanted: int) -> slice:
        """At least so many rows, evenly spread."""
        return slice(None, None, max(1, self.m // wanted))

    def fill(self, space: FloatArray, start: int, origin: FloatArray, line: FloatArray | None = None) -> None:
        """Write √w·[1, X − origin, y − origin − (X − origin)·line] of the rows from `start` on over `space`.

        Without weights the first column is not touched: it is already 1.
        """
        rows = slice(start, start + len(space))
        self._shift(self._x[rows], origin, space[:, 1:-1], slice(0, -1))
        self._shift(self._y[rows], origin, space[:, -1:], slice(-1, None))
        if line is not None:  # in place, with BLAS' own loop: numpy's product with one column is ten times slower
            blas.dgemv(-1.0, space[:, 1:-1], line, 1.0, space[:, -1], overwrite_y=1)
        if self._weight is not None:
            np.sqrt(self._weight[rows], out=space[:, 0])
            space[:, 1:] *= space[:, :1]

    def _shift(self, source: FloatArray, origin: FloatArray, target: FloatArray, columns: slice) -> None:
        if source.strides[0] != source.itemsize:  # columns that do not lie together are gathered first, and once
            target[:] = source
            source = target
        lowest, highest = self.lowest[columns], self.highest[columns]
        np.minimum(lowest, source.min(axis=0), out=lowest)
        np.maximum(highest, source.max(axis=0), out=highest)
        np.subtract(source, origin[columns], out=target)


def _by_reflections(x: FloatArray, y: FloatArray, weight: FloatArray | None) -> BlockFactor:
    """Chunk by chunk, each stacked on R and factored again: the sequential TSQR of Demmel et al.,
    "Communication-optimal parallel and sequential QR" (2012).

    The first k rows are rounded to the digits of what they are reflected onto. So R, which stands for all rows before,
    is below: above a jump of the data it would lose what came before. Above the first chunk there are zeros instead.
    """
    rows = _Rows(x, y, weight)
    k, most = rows.k, max(_chunk_rows(rows.k), 4 * rows.k)
    triangle = np.zeros((k, k))
    origin = rows.raw(slice(0, most)).mean(axis=0)
    space = np.empty((k + min(most, rows.m), k), order="F")
    for start in range(0, rows.m, most):
        taken = min(most, rows.m - start)
        above = 0 if start else k
        chunk = space[above : above + taken]
        chunk[:, 0] = 1.0
        rows.fill(chunk, start, origin)
        space[:above] = 0.0
        space[above + taken : k + taken] = triangle[above:]
        if taken == rows.m:
            triangle = _polished(_factor_in_place(space.copy("F")), chunk)
        else:
            triangle = _factor_in_place(space if taken == len(space) - k else np.asfortranarray(space[: k + taken]))
    return BlockFactor(triangle, origin, rows.lowest, rows.highest)


def _polished(triangle: FloatArray, rows: FloatArray) -> FloatArray:
    """`triangle`, R of `rows` = [A, t], with its last column nearer to R⁻ᵀAᵀt, so that simple data have simple answers.

    By the corrected seminormal equations: Rβ + R⁻ᵀAᵀ(t − Aβ) (Björck, "Stability analysis of the method of seminormal
    equations", 1987). A Gram matrix of residuals comes out so by itself.
    """
    part = triangle[:-1, :-1]
    if not _is_well_conditioned(part, MOST_INFLATION_TO_POLISH):
        return triangle
    line, _ = lapack.dtrtrs(part, triangle[:-1, -1])
    residual = rows[:, -1] - rows[:, :-1] @ line
    change, _ = lapack.dtrtrs(part, residual @ rows[:, :-1], trans=1)
    triangle[:-1, -1] = part.astype(np.longdouble) @ line + change
    return triangle


def _by_gram(x: FloatArray, y: FloatArray, weight: FloatArray | None) -> BlockFactor | None:
    """By the Cholesky factor of the Gram matrix, or None where that would lose digits."""
    rows = _Rows(x, y, weight)
    sample = rows.raw(rows.sample(max(SAMPLE_ROWS, 2 * rows.k)))
    origin = sample.mean(axis=0)
    line = _line(sample - origin)
    if line is None:
        return None
    gram = np.zeros((rows.k, rows.k))
    most = _chunk_rows(rows.k)
    space = np.empty((most, rows.k), order="F")
    space[:, 0] = 1.0
    for start in range(0, rows.m, most):
        chunk = space[: rows.m - start]
        rows.fill(chunk, start, origin, line)
        gram += _gram(chunk)
    triangle = _cholesky(gram)
    if triangle is None:
        return None
    triangle[:, -1] += triangle[:, 1:-1] @ line
    return BlockFactor(triangle, origin, rows.lowest, rows.highest)


def _line(sample: FloatArray) -> FloatArray | None:
    """The slopes (d,) of the line through `sample` (m, d+1), shifted rows of [X, y]; None if X is inflated."""
    triangle = qr_triangle(np.column_stack([np.ones(len(sample)), sample]))
    if not _is_well_conditioned(triangle[:-1, :-1]):
        return None
    slopes, _ = lapack.dtrtrs(triangle[1:-1, 1:-1], triangle[1:-1, -1])
    line: FloatArray = slopes
    return line


def _gram(chunk: FloatArray) -> FloatArray:
    """The upper triangle, at least, of chunkᵀ·chunk (k, k)."""
    k = chunk.shape[1]
    if k > FEW_COLUMNS:
        whole: FloatArray = chunk.T @ chunk
        return whole
    gram = np.zeros((k, k))
    columns = list(chunk.T)
    for i, j in combinations_with_replacement(range(k), 2):
        gram[i, j] = columns[i] @ columns[j]
    return gram


def _cholesky(gram: FloatArray) -> FloatArray | None:
    """R with RᵀR = `gram`, from its upper triangle; None where it would not be as exact as that of reflections."""
    squares = np.diagonal(gram)
    if not (squares.min() > SAFE_SQUARES[0] and squares.max() < SAFE_SQUARES[1]):
        return None
    scale = np.sqrt(squares)
    upper, info = lapack.dpotrf(gram / scale / scale[:, None], lower=0, clean=1)
    if info != 0 or not _is_well_conditioned(upper):
        return None
    triangle: FloatArray = upper * scale
    return triangle


def _is_well_conditioned(triangle: FloatArray, most: float = MOST_INFLATION) -> bool:
    """Whether no column of `triangle` (k, k), upper triangular, is a near combination of the others."""
    norms = np.sqrt(np.square(triangle).sum(axis=0))
    if not norms.all():
        return False
    inverse, info = lapack.dtrtri(triangle / norms, lower=0)
    return info == 0 and bool(np.square(inverse).sum(axis=1).max() <= most)
