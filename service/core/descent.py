"""Gradient descent on squared error, in closed form.

A step of full-batch descent with rate η on J(θ) = ‖Aθ − t‖² + const multiplies the distance to the optimum, along each
right singular vector of A, by 1 − ηλ with λ = 2s² (Goh, "Why Momentum Really Works", 2017, §"First steps"). So the
iterate after t steps is θ_t = θ* + V·diag((1−ηλ)^t)·c with c = Vᵀ(θ₀ − θ*), for any t, without a loop.

Two measures keep its digits where the scales of columns differ by orders of magnitude. A one-sided Jacobi method
computes small singular values as exactly as large ones (Drmač & Veselić, "New fast and accurate Jacobi SVD algorithm",
2008). And while some direction is less than half way to the optimum, the iterate is computed from the start, as
θ_t = θ₀ + V·diag((1−ηλ)^t − 1)·c, because a distant optimum would cancel digits.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.linalg import lapack

from service.core.blocks import FloatArray
from service.core.optimum import Optimum, SingularValues

IntArray = npt.NDArray[np.int64]

MAX_EPOCHS = 2**53 - 1
LIMIT_REACHED = 2.0**-53
"""The limit is reached when each direction's distance to it is at most this fraction of the distance at the start."""
CONVERGED = 1e-9
NEAR_LIMIT = 0.5
DENSE_HISTORY_EPOCHS = 100
MAX_HISTORY_POINTS = 500


class Iterate(NamedTuple):
    """Coefficients w (…, d) and b (…), and the level (…), ŷ at the mean row."""

    w: FloatArray
    b: FloatArray
    level: FloatArray


@dataclass(frozen=True)
class Coordinates:
    """The linear map to the coordinates of descent: θ = (b + w·s, scale·w), or scale·w without an intercept.

    shift − rounding: (d,) each, the point s, because far from zero its rounding costs digits.
    distance: (d,), from s to the mean row. flat: (d,), the standardised columns that are constant.
    """

    fit_intercept: bool
    scale: FloatArray
    shift: FloatArray
    rounding: FloatArray
    distance: FloatArray
    flat: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, optimum: Optimum, *, standardize: bool) -> "Coordinates":
        """Return coordinates of standardised columns (only scaled without an intercept), or of the columns as given."""
        problem = optimum.problem
        zeros = np.zeros_like(problem.centre)
        if not standardize:
            return cls(problem.fit_intercept, zeros + 1, zeros, zeros, problem.centre, zeros > 0)
        spread = problem.spread
        scale = np.where(spread > 0, spread, 1.0)
        return cls(problem.fit_intercept, scale, problem.centre, problem.rounding, zeros, spread == 0)

    def standardized(self, x: FloatArray) -> FloatArray:
        """Return x (n, d) in the coordinates of descent; constant columns are exactly zero."""
        columns = (x - self.shift + self.rounding) / self.scale
        columns[:, self.flat] = 0
        return columns

    def enter(self, w: FloatArray, b: FloatArray | float) -> FloatArray:
        """Return θ (…, p) of w (…, d) and b (…)."""
        scaled = w * self.scale
        if not self.fit_intercept:
            return scaled
        return np.concatenate([np.expand_dims(b + w @ self.shift - w @ self.rounding, -1), scaled], axis=-1)

    def leave(self, theta: FloatArray) -> Iterate:
        """Return the coefficients (…) of θ (…, p)."""
        if not self.fit_intercept:
            zeros = np.zeros(theta.shape[:-1])
            return Iterate(theta / self.scale, zeros, zeros)
        w = theta[..., 1:] / self.scale
        return Iterate(w, theta[..., 0] - w @ self.shift + w @ self.rounding, theta[..., 0] + w @ self.distance)


@dataclass(frozen=True)
class Descent:
    """Gradient descent from a start on one objective.

    eigenvalues: λ (r,), the positive curvatures of the objective.
    directions: V (p, r), their directions, orthonormal in `coordinates`.
    start: the initial coefficients.
    limit: the optimum that descent converges to; directions without curvature keep their start.
    offsets: c (r,), the distance from the limit to the start along each direction.
    """

    optimum: Optimum
    coordinates: Coordinates
    eigenvalues: FloatArray
    directions: FloatArray
    start: Iterate
    limit: Iterate
    offsets: FloatArray

    @classmethod
    def of(cls, optimum: Optimum, w: FloatArray, b: float, *, standardize: bool) -> "Descent":
        """Return descent on the objective of `optimum` from w (d,) and b, in the units of the data."""
        coordinates = Coordinates.of(optimum, standardize=standardize)
        null = _null_basis(optimum, coordinates)
        curved = _complement(null)
        design, target = _design(optimum, coordinates)
        svd = _accurate_svd(design @ curved, penalised=optimum.l2 > 0)
        kept = coordinates.leave(null @ (null.T @ coordinates.enter(w - optimum.w, b - optimum.b)))
        start_level = b + w @ optimum.problem.centre.astype(np.longdouble)
        residual = design @ coordinates.enter(w, b) - target
        return cls(
            optimum=optimum,
            coordinates=coordinates,
            eigenvalues=2 * np.square(svd.values),
            directions=curved @ svd.right.T,
            start=Iterate(w, np.array(b), start_level.astype(np.float64)),
            limit=Iterate(
                optimum.w + kept.w, optimum.b + kept.b, np.array(optimum.problem.y_centre)
            ),  # null directions keep ŷ
            offsets=svd.project(residual) / svd.values,
        )

    @property
    def curvature(self) -> float:
        """λmax, or 0 without any curvature."""
        return float(self.eigenvalues.max(initial=0.0))

    @property
    def max_stable_rate(self) -> float | None:
        """2/λmax, the exclusive bound on the learning rate; None without any curvature."""
        return 2 / self.curvature if self.curvature > 0 else None

    @property
    def auto_rate(self) -> float:
        """1/λmax, the learning rate "auto"."""
        return 1 / self.curvature if self.curvature > 0 else 1.0

    def at(self, rate: float, epochs: IntArray) -> Iterate:
        """Return the coefficients (k, …) after each number of steps in `epochs` (k,)."""
        factors, changes = powers(rate * self.eigenvalues, epochs)
        is_near_limit = np.abs(factors).max(axis=1, initial=0.0) <= NEAR_LIMIT
        offsets = np.where(is_near_limit[:, None], factors, changes) * self.offsets
        change = self.coordinates.leave(offsets @ self.directions.T)
        w = np.where(is_near_limit[:, None], self.limit.w, self.start.w) + change.w
        b = np.where(is_near_limit, self.limit.b, self.start.b) + change.b
        return Iterate(w, b, np.where(is_near_limit, self.limit.level, self.start.level) + change.level)

    def epochs_to_limit(self, rate: float) -> int | None:
        """Return the smallest t with max|1−ηλ|ᵗ ≤ 2⁻⁵³; None if it is not below 2⁵³."""
        if not len(self.eigenvalues):
            return 0
        with np.errstate(divide="ignore"):
            epochs = np.log(LIMIT_REACHED) / _log_factors(rate * self.eigenvalues)
        slowest = float(epochs.max())
        return max(1, math.ceil(slowest)) if slowest <= MAX_EPOCHS else None

    def has_converged(self, w: FloatArray, level: float) -> bool:
        """Return whether ‖β − β*‖ ≤ 1e-9·‖β*‖, where β is (w, level) with scaled columns and β* is the limit."""
        scale = self.optimum.scale
        distance = np.append((w - self.limit.w) * scale, level - self.limit.level)
        size = np.append(self.limit.w * scale, self.limit.level)
        return bool(np.linalg.norm(distance) <= CONVERGED * np.linalg.norm(size))


def powers(steps: FloatArray, epochs: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return (1 − ηλ)ᵗ and (1 − ηλ)ᵗ − 1, (k, r) each, for t in `epochs` (k,) and ηλ in `steps` (r,); 0⁰ is 1.

    Computed as sign·exp(t·log|1 − ηλ|), because repeated multiplication would round t times.
    """
    t = epochs[:, None]
    with np.errstate(invalid="ignore"):
        exponents = np.where(t > 0, t * _log_factors(steps), 0.0)
    is_negative = (steps > 1) & (t % 2 == 1)
    magnitudes = np.exp(exponents)
    return np.where(is_negative, -magnitudes, magnitudes), np.where(is_negative, -magnitudes - 1, np.expm1(exponents))


def _log_factors(steps: FloatArray) -> FloatArray:
    """Return log|1 − ηλ|, exact for ηλ near 0 and near 2, where the factor is close to ±1; −∞ at 1."""
    with np.errstate(divide="ignore"):
        result: FloatArray = np.log1p(np.where(steps > 1, steps - 2, -steps))
    return result


def history_epochs(last: int) -> IntArray:
    """Return the epochs of a history: each up to 100, then spaced logarithmically, at most 500, ending at `last`."""
    dense = np.arange(min(last, DENSE_HISTORY_EPOCHS) + 1)
    if last <= DENSE_HISTORY_EPOCHS:
        return dense
    spaced = np.geomspace(DENSE_HISTORY_EPOCHS, last, MAX_HISTORY_POINTS - len(dense) + 1)
    later = np.unique(np.rint(spaced[1:-1]).astype(np.int64))
    return np.concatenate([dense, later[(later > DENSE_HISTORY_EPOCHS) & (later < last)], [last]])


def _design(optimum: Optimum, coordinates: Coordinates) -> tuple[FloatArray, FloatArray]:
    """Return A and t of J(θ) = ‖Aθ − t‖² + const, with penalty rows."""
    problem = optimum.problem
    columns, target = problem.design / coordinates.scale, problem.target
    if optimum.l2:
        columns = np.vstack([columns, np.diag(np.sqrt(optimum.l2) / coordinates.scale)])
        target = np.append(target, np.zeros(len(target)))
    if not problem.fit_intercept:
        return columns, target
    intercept = np.zeros(len(columns) + 1)
    intercept[0] = 1.0
    return np.column_stack([intercept, np.vstack([coordinates.distance / coordinates.scale, columns])]), np.append(
        problem.y_centre, target
    )


def _accurate_svd(matrix: FloatArray, *, penalised: bool) -> SingularValues:
    """Return the decomposition of a matrix (m, k) of full rank, each singular value to nearly full precision."""
    if not matrix.size:
        return SingularValues(matrix, matrix, np.zeros(0), np.zeros((0, 0)), penalised)
    values, left, right, scales, _, info = lapack.dgejsv(matrix, joba=0, jobu=0, jobv=0)
    if info != 0:
        raise np.linalg.LinAlgError(f"dgejsv ended with {info}")
    return SingularValues(matrix, left, values * (scales[0] / scales[1]), right.T, penalised)


def _null_basis(optimum: Optimum, coordinates: Coordinates) -> FloatArray:
    """Return an orthonormal basis (p, k) of the directions of θ along which the objective is constant."""
    theta = coordinates.enter(optimum.null, -optimum.null @ optimum.problem.centre)
    if not len(theta):
        return theta.T
    basis, _ = np.linalg.qr(theta.T)
    return basis


def _complement(basis: FloatArray) -> FloatArray:
    """Return an orthonormal basis (p, p−k) of the complement of the columns of `basis` (p, k)."""
    p, k = basis.shape
    if k == 0:
        return np.eye(p)
    complete, _ = np.linalg.qr(basis, mode="complete")
    return complete[:, k:]
