"""The least-squares problem in the units of the data, its rank, and its optimum."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from service.core.blocks import FloatArray
from service.core.statistics import Statistics
from service.core.triangle import SAFE_SQUARES, qr_triangle

EPSILON = float(np.finfo(np.float64).eps)
CONSTANT = 10 * EPSILON
"""A column is constant if its centred norm is at most this fraction of its raw norm, which is rounding."""
INVOLVED = EPSILON**0.5
"""A column takes part in a null direction if its component there is larger than this."""


@dataclass(frozen=True)
class LeastSquares:
    """Mean squared error as a function of w (d,) and the level, ŷ at the mean row, with all terms divided by √Σw:

        mse(w, level) = ‖design·w − target‖² + (level − y_centre)² + residual_norm²

    With an intercept, `design` (d, d) is the factor of the centred columns, and `centre` (d,) holds their means.
    Without one, `design` is the factor of the raw columns, and `centre`, `y_centre` and the level are zero.
    The intercept is b = level − w·mean. Far from zero it loses digits that the level keeps.
    rounding: (d,), `centre` minus the exact means.
    residual_norm: the root of the mean squared error that no w and b can remove.
    exact: (d+1, d+1), [centre, y_centre] above [design, target], in extended precision.
    """

    fit_intercept: bool
    design: FloatArray
    target: FloatArray
    residual_norm: float
    centre: FloatArray
    rounding: FloatArray
    y_centre: float
    exact: npt.NDArray[np.longdouble]

    @classmethod
    def of(cls, statistics: Statistics, *, fit_intercept: bool) -> "LeastSquares":
        """Return the problem of the rows in `statistics`."""
        root_of_weight = np.longdouble(statistics.triangle[0, 0])
        origin = offset = np.zeros(statistics.d + 1)
        if fit_intercept:
            factor = statistics.triangle[:, 1:] / root_of_weight
            origin, offset = statistics.origin, factor[0].copy()
            factor[0] += origin
        else:
            factor = np.insert(qr_triangle(statistics.raw_triangle[:, 1:]), 0, 0.0, axis=0) / root_of_weight
        rounded = factor.astype(np.float64)
        centred = column_norms(rounded[1:-1, :-1])
        is_constant = centred <= CONSTANT * np.hypot(centred, rounded[0, :-1])
        factor[1:, :-1][:, is_constant] = 0
        rounded[1:, :-1][:, is_constant] = 0
        return cls(
            fit_intercept=fit_intercept,
            design=rounded[1:-1, :-1],
            target=rounded[1:-1, -1],
            residual_norm=float(rounded[-1, -1]),
            centre=rounded[0, :-1],
            rounding=((rounded[0] - origin) - offset)[:-1].astype(np.float64),
            y_centre=float(rounded[0, -1]),
            exact=factor[:-1],
        )

    def mean_squared_error(self, w: FloatArray, level: FloatArray | float) -> FloatArray:
        """Return the mean squared error (…) at w (…, d) and level (…)."""
        slope_error = np.square(w @ self.design.T - self.target).sum(-1)
        result: FloatArray = slope_error + np.square(level - self.y_centre) + self.residual_norm**2
        return result

    def r_squared(self, loss: float) -> float:
        """Return R² = 1 − loss/(tss/Σw) of coefficients with this loss; NaN where y does not vary.

        tss is Σw(y − ȳ)² with an intercept and Σwy² without one, as for the R² of the optimum. It is negative for
        coefficients that predict worse than the mean of y, or than zero. Source: Kvålseth, "Cautionary Note about R²",
        The American Statistician 39 (1985), R²₁ and R²₇.
        """
        ratio = math.sqrt(loss) / self.root_total
        return 1 - ratio * ratio

    @property
    def root_total(self) -> float:
        """√(tss/Σw), about the mean of y with an intercept and about zero without; NaN where y does not vary."""
        total = math.hypot(*self.target, self.residual_norm)
        return total if total > CONSTANT * math.hypot(total, self.y_centre) else math.nan

    @property
    def spread(self) -> FloatArray:
        """(d,): the standard deviations of the columns, or their root mean squares without an intercept."""
        return column_norms(self.design)


@dataclass(frozen=True)
class SingularValues:
    """The singular value decomposition of `matrix` (m, k): left (m, r), values (r,), right (r, k).

    penalised: whether the matrix has penalty rows.
    """

    matrix: FloatArray
    left: FloatArray
    values: FloatArray
    right: FloatArray
    penalised: bool

    def project(self, vector: FloatArray) -> FloatArray:
        """Return Uᵀr (k,) of a vector r (m,).

        With a large penalty, the components of U in the data's rows have an error of ε relative to the penalty's. The
        identity Uᵀr = V(Aᵀr)/s does not use U. The direct product has an error of ε‖r‖, the identity one of ε‖Aᵀr‖/s,
        and each number is taken from the more exact one.
        """
        directly = vector @ self.left
        if not self.penalised:
            return directly
        gradient = vector @ self.matrix
        by_gradient = (self.right @ gradient) / self.values
        return np.where(math.hypot(*gradient) < self.values * math.hypot(*vector), by_gradient, directly)


@dataclass(frozen=True)
class Optimum:
    """The minimisers of mse(w, b) + l2·‖w‖².

    w (d,), b: the minimiser of least norm in column-scaled units.
    scale: (d,), the norms of the columns of the design with its penalty rows.
    root: (d, rank), with root·rootᵀ = (XᵀX)⁺ of that design.
    null: (d − rank, d), directions of w along which the objective is constant, if b keeps the mean of ŷ.
    explained: the norm of the target's projection on the columns of that design. Without a penalty it is the root mean
        square of ŷ, about its mean with an intercept.
    """

    problem: LeastSquares
    l2: float
    w: FloatArray
    b: float
    scale: FloatArray
    root: FloatArray
    null: FloatArray
    explained: float

    @classmethod
    def of(cls, problem: LeastSquares, l2: float) -> "Optimum":
        """Return the optimum of `problem` with the penalty l2, from the singular values of its column-scaled triangle.

        Columns are scaled, so that the rank does not depend on their units. One step of iterative refinement removes
        the error of the singular vectors. With a penalty, a second one removes the error of coefficients that the
        penalty makes far smaller than others. Source: Golub & Van Loan, "Matrix Computations", §5.5 and §3.5.
        """
        d = len(problem.target)
        design = np.vstack([problem.design, np.sqrt(l2) * np.eye(d)]) if l2 else problem.design
        target = np.append(problem.target, np.zeros(len(design) - d))
        scale = column_norms(design)
        varying = scale > 0
        scale[~varying] = 1.0
        scaled = (design / scale)[:, varying]
        left, values, right = np.linalg.svd(scaled, full_matrices=False)
        rank = int(np.count_nonzero(values > (d + 2) * EPSILON * values.max(initial=0.0)))
        root, null = np.zeros((d, rank)), np.zeros((len(values) - rank, d))
        root[varying] = (right[:rank] / values[:rank, None]).T
        null[:, varying] = right[rank:]
        svd = SingularValues(scaled, left[:, :rank], values[:rank], right[:rank], penalised=l2 > 0)
        explained = svd.project(target)
        exact_w = ((root @ explained) / scale).astype(np.longdouble)
        for _ in range(2 if l2 else 1):
            exact_w += (root @ svd.project(_residual(problem, l2, exact_w))) / scale.astype(np.longdouble)
        return cls(
            problem=problem,
            l2=l2,
            w=exact_w.astype(np.float64),
            b=float(problem.exact[0, -1] - problem.exact[0, :-1] @ exact_w),
            scale=scale,
            root=root / scale[:, None],
            null=np.vstack([np.eye(d)[~varying], null / scale]),
            explained=math.hypot(*explained),
        )

    @cached_property
    def root_loss(self) -> float:
        """The root of the mean squared error at the optimum, without overflow, for b that keeps the mean exactly."""
        return math.hypot(*(self.problem.design @ self.w - self.problem.target), self.problem.residual_norm)

    @property
    def loss(self) -> float:
        """The mean squared error at the optimum."""
        return self.root_loss * self.root_loss

    @property
    def is_perfect(self) -> bool:
        """Whether the residuals are as small as rounding errors of y."""
        spread = math.hypot(*self.problem.target, self.problem.residual_norm)
        return self.root_loss <= CONSTANT * math.hypot(spread, self.problem.y_centre)

    @property
    def objective(self) -> float:
        """The loss plus the penalty at the optimum."""
        return self.loss + self.l2 * float(np.square(self.w).sum()) if self.l2 else self.loss

    @property
    def unidentified(self) -> npt.NDArray[np.bool_]:
        """(d,): whether the data leaves the coefficient of a column undetermined."""
        involved: npt.NDArray[np.bool_] = np.abs(self.null * self.scale).max(axis=0, initial=0.0) > INVOLVED
        return involved

    @property
    def intercept_unidentified(self) -> bool:
        """Whether the data leaves b undetermined, as with a constant column."""
        moved = np.abs(self.null @ self.problem.centre)
        return bool((moved > INVOLVED * (np.abs(self.null) @ np.abs(self.problem.centre))).any())


def _residual(problem: LeastSquares, l2: float, w: npt.NDArray[np.longdouble]) -> FloatArray:
    """Return target − design·w with penalty rows, in extended precision if available, because most digits cancel."""
    exact = problem.exact[1:]
    residual = exact[:, -1] - exact[:, :-1] @ w
    rows: FloatArray = (np.append(residual, -np.sqrt(l2) * w) if l2 else residual).astype(np.float64)
    return rows


def column_norms(matrix: FloatArray) -> FloatArray:
    """Return the Euclidean norms (k,) of the columns of `matrix` (m, k), without overflow."""
    squares = np.square(matrix).sum(axis=0)
    if len(squares) and SAFE_SQUARES[0] < squares.min() and squares.max() < SAFE_SQUARES[1]:
        roots: FloatArray = np.sqrt(squares)
        return roots
    largest = np.abs(matrix).max(axis=0, initial=0.0)
    safe = np.where(largest > 0, largest, 1.0)
    norms: FloatArray = largest * np.sqrt(np.square(matrix / safe).sum(axis=0))
    return norms
