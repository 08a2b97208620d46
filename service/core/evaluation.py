"""How well predictions meet what was observed."""

from dataclasses import dataclass

import numpy as np

from service.core.optimum import CONSTANT
from service.core.statistics import FloatArray


@dataclass(frozen=True)
class Evaluation:
    """Weighted means over n rows of positive weight: mean squared error and its root, mean absolute error, bias (the
    mean of ŷ − y), and the centred R², None where y does not vary."""

    n: int
    mse: float
    rmse: float
    mae: float
    r2: float | None
    bias: float


def evaluate(y: FloatArray, predicted: FloatArray, weight: FloatArray | None) -> Evaluation:
    """Compare `predicted` (n,) with `y` (n,); `weight` (n,) must have a positive sum."""
    weight = np.ones_like(y) if weight is None else weight
    share = weight / weight.sum()
    error = predicted - y
    mse = float(share @ np.square(error))
    centre = float(share @ y)
    deviation = float(np.sqrt(share @ np.square(y - centre)))
    varies = deviation > CONSTANT * np.hypot(deviation, centre)
    return Evaluation(
        n=int(np.count_nonzero(weight)),
        mse=mse,
        rmse=float(np.sqrt(mse)),
        mae=float(share @ np.abs(error)),
        r2=1 - mse / deviation**2 if varies else None,
        bias=float(share @ error),
    )
