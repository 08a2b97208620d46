"""Operations on R, the triangular factor of a QR factorisation: compute, shift, merge, and judge its condition."""

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.linalg import lapack

from service.core.blocks import FloatArray

SAFE_SQUARES = (1e-250, 1e250)
"""Sums of squares within these bounds have no error from underflow or overflow."""
MAX_GRAM_INFLATION = 10.0
"""The variance inflation up to which a Gram matrix was measured to be as exact as Householder reflections."""


def qr_triangle(rows: FloatArray) -> FloatArray:
    """Return R of a QR factorisation of `rows` (m, k): (k, k), upper triangular with a non-negative diagonal."""
    m, k = rows.shape
    padded = np.zeros((max(m, k), k), order="F")
    padded[:m] = rows
    return factor_in_place(padded)


def factor_in_place(block: FloatArray) -> FloatArray:
    """Return R of `block` (m, k), m ≥ k, in Fortran order; overwrite `block`."""
    k = block.shape[1]
    factored, _, _, info = lapack.dgeqrf(block, overwrite_a=1)
    if info != 0:
        raise ValueError(f"dgeqrf refused its argument {-info}")
    triangle: FloatArray = factored[:k] * np.copysign(1.0, factored.diagonal())[:, None]
    triangle[_below_diagonal(k)] = 0.0
    return triangle


def shift_origin(triangle: FloatArray, by: FloatArray) -> FloatArray:
    """Return R of √w·[1, Z + by] from R of √w·[1, Z]: only the row of the means changes."""
    shifted = triangle.copy()
    shifted[0, 1:] += triangle[0, 0] * by
    return shifted


def merge_triangles(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return R (k, k) of the rows of two factors R of √w·[1, Z].

    The two rows of means become the overall mean and the distance √(Σw_a·Σw_b/Σw)·(z̄_b − z̄_a) between the means (Chan,
    Golub & LeVeque, "Algorithms for computing the sample variance", 1983).
    """
    root_of_weight = math.hypot(a[0, 0], b[0, 0])
    cosine, sine = np.array([a[0, 0], b[0, 0]]) / (root_of_weight or 1.0)
    distance = cosine * b[0] - sine * a[0]
    triangle = np.zeros_like(a)
    triangle[0] = cosine * a[0] + sine * b[0]
    triangle[1:, 1:] = qr_of_unequal_rows(np.vstack([distance[1:], a[1:, 1:], b[1:, 1:]]))
    return triangle


def qr_of_unequal_rows(rows: FloatArray) -> FloatArray:
    """Return R of `rows` (m, k) as `qr_triangle` does, for rows whose magnitudes may differ by many orders.

    A large row below smaller ones would cost them digits: a row of large weight, or the distance of means where the
    data jumps. So rows are sorted by their largest number, each relative to the largest of its column (Cox & Higham,
    "Stability of Householder QR factorization for weighted least squares problems", 1998). The first row is rounded to
    the magnitude of all rows that are reflected on to it; zeros have no digits to lose.
    """
    magnitudes = np.abs(rows)
    largest = magnitudes.max(axis=0, initial=0.0)
    relative = magnitudes / np.where(largest > 0, largest, 1.0)
    order = np.argsort(-relative.max(axis=1, initial=0.0), kind="stable")
    return qr_triangle(np.vstack([np.zeros(rows.shape[1]), rows[order]]))


def is_well_conditioned(triangle: FloatArray, max_inflation: float = MAX_GRAM_INFLATION) -> bool:
    """Return whether the variance inflation of every column of `triangle` (k, k) is at most `max_inflation`.

    The variance inflation is the diagonal of the inverse of the column-scaled Gram matrix (Belsley, Kuh & Welsch,
    "Regression Diagnostics", 1980, §3).
    """
    norms = np.sqrt(np.square(triangle).sum(axis=0))
    if not norms.all():
        return False
    inverse, info = lapack.dtrtri(triangle / norms, lower=0)
    return info == 0 and bool(np.square(inverse).sum(axis=1).max() <= max_inflation)


@lru_cache(maxsize=4)
def _below_diagonal(k: int) -> npt.NDArray[np.bool_]:
    return np.tri(k, k, -1, dtype=np.bool_)
