"""Confidence and prediction intervals around predictions. Source: Greene, Econometric Analysis, §4.6."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from service.core.blocks import FloatArray
from service.core.inference import degrees_of_freedom
from service.core.optimum import Optimum
from service.core.statistics import Mean, Statistics


@dataclass(frozen=True)
class Intervals:
    """The parts of an optimum and its statistics that intervals need.

    root: (d, d), with root·rootᵀ = (XᵀX)⁺ of the design, divided by √Σw.
    mean: of the columns, from which x deviates; None without an intercept.
    deviation: the residual standard error, divided by √Σw. freedom: the degrees of freedom. weight: Σw.
    """

    root: FloatArray
    mean: Mean | None
    deviation: float
    freedom: float
    weight: float

    @classmethod
    def of(cls, statistics: Statistics, optimum: Optimum) -> "Intervals":
        """Return the intervals of `optimum`, which must have statistics and determine every coefficient."""
        freedom = degrees_of_freedom(statistics, optimum)
        root_of_weight = float(statistics.triangle[0, 0])
        return cls(
            root=optimum.root,
            mean=statistics.mean if optimum.problem.fit_intercept else None,
            deviation=optimum.root_loss / math.sqrt(freedom),
            freedom=freedom,
            weight=root_of_weight**2,
        )

    def half_width(self, x: FloatArray, level: float, *, of_mean: bool) -> FloatArray:
        """Return half the width of the interval around each prediction for x (n, d): (n,).

        The interval contains, with probability `level`, the mean of y at that row, or a new y of weight 1.
        """
        deviations = self.mean.deviations(x) if self.mean else x
        leverage: FloatArray = np.square(deviations @ self.root).sum(axis=1)
        leverage = leverage + float(self.mean is not None) + (0.0 if of_mean else self.weight)
        half: FloatArray = float(special.stdtrit(self.freedom, (1 + level) / 2)) * self.deviation * np.sqrt(leverage)
        return half
