"""Gradient descent on squared error, in closed form.

Full-batch descent with rate η on J(θ) = ‖Aθ − t‖² + const multiplies the distance to the optimum, along each right
singular vector of A, by 1 − ηλ with λ = 2s², at every step (Goh, "Why Momentum Really Works", 2017, §"First steps").
So the iterate after t steps is θ_t = θ* + V·diag((1−ηλ)^t)·c with c = Vᵀ(θ₀ − θ*), at any t, without a loop.

Two things keep its digits where columns differ wildly in scale. Singular values come from a one-sided Jacobi method,
which gets the small ones as exactly as the large (Drmač & Veselić, "New fast and accurate Jacobi SVD algorithm", 2008).
And the iterate is taken from whichever end is near: from the optimum once every direction is half way there, before
that from the start, as θ_t = θ₀ + V·diag((1−ηλ)^t − 1)·c, so that a far optimum does not cancel.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import lapack

from service.core.blocks import FloatArray
from service.core.optimum import Optimum, Singular

IntArray = npt.NDArray[np.int64]

MAX_EPOCHS = 2**53 - 1
LIMIT_REACHED = 2.0**-53
"""The limit counts as reached when no direction is further from it than this part of the distance at the start."""
CONVERGED = 1e-9
NEAR = 0.5
HISTORY_DENSE = 100
HISTORY_POINTS = 500


@dataclass(frozen=True)
class Coordinates:
    """Where descent walks: θ = (b + shift·w, scale·w), or scale·w alone without an intercept. A linear map."""

    fit_intercept: bool
    scale: FloatArray
    shift: FloatArray
    flat: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, optimum: Optimum, *, standardize: bool) -> "Coordinates":
        """Standardised columns (scaled only, without an intercept), or the user's own units."""
        problem = optimum.problem
        if not standardize:
            zeros = np.zeros_like(problem.centre)
            return cls(problem.fit_intercept, zeros + 1, zeros, zeros > 0)
        spread = problem.spread
        return cls(problem.fit_intercept, np.where(spread > 0, spread, 1.0), problem.centre, spread == 0)

    def standardized(self, x: FloatArray) -> FloatArray:
        """The columns of x (n, d) as descent sees them; those that are constant are zero, whatever rounding says."""
        columns = (x - self.shift) / self.scale
        columns[:, self.flat] = 0
        return columns

    def enter(self, w: FloatArray, b: FloatArray | float) -> FloatArray:
        """θ (…, p) of w (…, d) and b (…)."""
        scaled = w * self.scale
        if not self.fit_intercept:
            return scaled
        return np.concatenate([np.expand_dims(b + w @ self.shift, -1), scaled], axis=-1)

    def leave(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """w (…, d) and b (…) of θ (…, p)."""
        if not self.fit_intercept:
            return theta / self.scale, np.zeros(theta.shape[:-1])
        w = theta[..., 1:] / self.scale
        return w, theta[..., 0] - w @ self.shift


@dataclass(frozen=True)
class Descent:
    """Gradient descent from a start on one objective.

    eigenvalues: λ (r,), the curvatures along the r directions that the data speaks of.
    directions: V (p, r), orthonormal in `coordinates`.
    start_w (d,), start_b: where it starts.
    limit_w (d,), limit_b: the optimum that descent tends to; directions of no curvature keep their start.
    offsets: c (r,), how far the start is from the limit along each direction.
    """

    optimum: Optimum
    coordinates: Coordinates
    eigenvalues: FloatArray
    directions: FloatArray
    start_w: FloatArray
    start_b: float
    limit_w: FloatArray
    limit_b: float
    offsets: FloatArray

    @classmethod
    def of(cls, optimum: Optimum, w: FloatArray, b: float, *, standardize: bool) -> "Descent":
        """Descent on the objective of `optimum` from w (d,), b in the user's units."""
        coordinates = Coordinates.of(optimum, standardize=standardize)
        null = _null_basis(optimum, coordinates)
        kept = _complement(null)
        design, target = _design(optimum, coordinates)
        singular = _accurate_svd(design @ kept, penalised=optimum.l2 > 0)
        stays = null @ (null.T @ coordinates.enter(w - optimum.w, b - optimum.b))
        stays_w, stays_b = coordinates.leave(stays)
        limit_w, limit_b = optimum.w + stays_w, optimum.b + float(stays_b)
        residual = design @ coordinates.enter(w, b) - target
        return cls(
            optimum=optimum,
            coordinates=coordinates,
            eigenvalues=2 * np.square(singular.values),
            directions=kept @ singular.right.T,
            start_w=w,
            start_b=b,
            limit_w=limit_w,
            limit_b=limit_b,
            offsets=singular.projected(residual) / singular.values,
        )

    @property
    def curvature(self) -> float:
        """λmax, or 0 where the data speaks of no direction."""
        return float(self.eigenvalues.max(initial=0.0))

    @property
    def max_stable_rate(self) -> float | None:
        """2/λmax, which a rate must stay below; None where every rate stands still."""
        return 2 / self.curvature if self.curvature > 0 else None

    @property
    def auto_rate(self) -> float:
        """1/λmax."""
        return 1 / self.curvature if self.curvature > 0 else 1.0

    def at(self, rate: float, epochs: IntArray) -> tuple[FloatArray, FloatArray]:
        """w (k, d) and b (k,) after each of the numbers of steps in `epochs` (k,)."""
        factors, walked = powers(rate * self.eigenvalues, epochs)
        is_near_limit = np.abs(factors).max(axis=1, initial=0.0) <= NEAR
        moved = np.where(is_near_limit[:, None], factors, walked) * self.offsets
        w, b = self.coordinates.leave(moved @ self.directions.T)
        from_w = np.where(is_near_limit[:, None], self.limit_w, self.start_w)
        return from_w + w, np.where(is_near_limit, self.limit_b, self.start_b) + b

    def epochs_to_limit(self, rate: float) -> int | None:
        """The smallest t with max|1−ηλ|ᵗ ≤ 2⁻⁵³, or None where that is past 2⁵³."""
        if not len(self.eigenvalues):
            return 0
        with np.errstate(divide="ignore"):
            epochs = np.log(LIMIT_REACHED) / _log_factors(rate * self.eigenvalues)
        slowest = float(epochs.max())
        return max(1, math.ceil(slowest)) if slowest <= MAX_EPOCHS else None

    def has_converged(self, w: FloatArray, b: float) -> bool:
        """Whether ‖β − β*‖ ≤ 1e-9·‖β*‖ in column-scaled units, β* being the limit."""
        problem, scale = self.optimum.problem, self.optimum.scale
        distance = _scaled_norm(w - self.limit_w, b - self.limit_b, problem.centre, scale)
        return distance <= CONVERGED * _scaled_norm(self.limit_w, self.limit_b, problem.centre, scale)


def powers(steps: FloatArray, epochs: IntArray) -> tuple[FloatArray, FloatArray]:
    """(1 − ηλ)ᵗ and (1 − ηλ)ᵗ − 1 for every t of `epochs` (k,) and every ηλ of `steps` (r,): (k, r) each. 0⁰ is 1.

    As sign·exp(t·log|1 − ηλ|), because repeated multiplication would round t times.
    """
    t = epochs[:, None]
    with np.errstate(invalid="ignore"):
        exponents = np.where(t > 0, t * _log_factors(steps), 0.0)
    is_negative = (steps > 1) & (t % 2 == 1)
    magnitudes = np.exp(exponents)
    return np.where(is_negative, -magnitudes, magnitudes), np.where(is_negative, -magnitudes - 1, np.expm1(exponents))


def _log_factors(steps: FloatArray) -> FloatArray:
    """log|1 − ηλ|, exact near 0 and near 2, where the factor is close to ±1; −∞ at 1."""
    with np.errstate(divide="ignore"):
        result: FloatArray = np.log1p(np.where(steps > 1, steps - 2, -steps))
    return result


def history_epochs(last: int) -> IntArray:
    """The epochs that a history shows: each up to 100, then spaced by logarithm, at most 500, ending at `last`."""
    dense = np.arange(min(last, HISTORY_DENSE) + 1)
    if last <= HISTORY_DENSE:
        return dense
    spaced = np.geomspace(HISTORY_DENSE, last, HISTORY_POINTS - len(dense) + 1)
    later = np.unique(np.rint(spaced[1:-1]).astype(np.int64))
    return np.concatenate([dense, later[(later > HISTORY_DENSE) & (later < last)], [last]])


def _design(optimum: Optimum, coordinates: Coordinates) -> tuple[FloatArray, FloatArray]:
    """A and t of J(θ) = ‖Aθ − t‖² + const, penalty rows included."""
    problem = optimum.problem
    columns, target = problem.design / coordinates.scale, problem.target
    if optimum.l2:
        columns = np.vstack([columns, np.diag(np.sqrt(optimum.l2) / coordinates.scale)])
        target = np.append(target, np.zeros(len(target)))
    if not problem.fit_intercept:
        return columns, target
    means = (problem.centre - coordinates.shift) / coordinates.scale
    intercept = np.zeros(len(columns) + 1)
    intercept[0] = 1.0
    return np.column_stack([intercept, np.vstack([means, columns])]), np.append(problem.y_centre, target)


def _accurate_svd(matrix: FloatArray, *, penalised: bool) -> Singular:
    """The singular vectors and values of a matrix (m, k) of full rank, each value to nearly all its digits."""
    if not matrix.size:
        return Singular(matrix, matrix, np.zeros(0), np.zeros((0, 0)), penalised)
    values, left, right, scales, _, info = lapack.dgejsv(matrix, joba=0, jobu=0, jobv=0)
    if info != 0:
        raise np.linalg.LinAlgError(f"dgejsv ended with {info}")
    return Singular(matrix, left, values * (scales[0] / scales[1]), right.T, penalised)


def _null_basis(optimum: Optimum, coordinates: Coordinates) -> FloatArray:
    """(p, k), orthonormal: the directions of θ along which the objective does not change."""
    moved = coordinates.enter(optimum.null, -optimum.null @ optimum.problem.centre)
    if not len(moved):
        return moved.T
    basis, _ = np.linalg.qr(moved.T)
    return basis


def _complement(basis: FloatArray) -> FloatArray:
    """(p, p−k), orthonormal: what is orthogonal to the k columns of `basis` (p, k)."""
    p, k = basis.shape
    if k == 0:
        return np.eye(p)
    whole, _ = np.linalg.qr(basis, mode="complete")
    return whole[:, k:]


def _scaled_norm(w: FloatArray, b: float, centre: FloatArray, scale: FloatArray) -> float:
    return float(np.linalg.norm(np.append(w * scale, b + centre @ w)))
