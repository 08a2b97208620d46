"""Compare predictions with observed values."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from service.core.blocks import FloatArray
from service.core.optimum import CONSTANT


class EvaluationBatch(NamedTuple):
    """Observed y (m,), predictions (m,) and weights (m,); None: every weight is 1."""

    y: FloatArray
    predicted: FloatArray
    weight: FloatArray | None


@dataclass(frozen=True)
class Evaluation:
    """Weighted metrics over n rows of positive weight.

    mse, rmse: mean squared error and its root. mae: mean absolute error. bias: mean of ŷ − y.
    r2: the centred R², None if y does not vary.
    """

    n: int
    mse: float
    rmse: float
    mae: float
    r2: float | None
    bias: float


def evaluate(batches: Iterable[EvaluationBatch]) -> Evaluation:
    """Return the metrics of all batches in one pass; n is 0 if no row has a positive weight.

    Means and variance are updated batch by batch (Chan, Golub & LeVeque, "Algorithms for computing the sample
    variance", 1983).
    """
    n, total, mse, mae, bias, mean, variance = 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for y, predicted, weight in batches:
        w = np.ones_like(y) if weight is None else weight
        if not w.any():
            continue
        n += int(np.count_nonzero(w))
        total += float(w.sum())
        fraction = float(w.sum()) / total
        share = w / w.sum()
        error = predicted - y
        mse += fraction * (float(share @ np.square(error)) - mse)
        mae += fraction * (float(share @ np.abs(error)) - mae)
        bias += fraction * (float(share @ error) - bias)
        batch_mean = float(share @ y)
        batch_variance = float(share @ np.square(y - batch_mean))
        variance += fraction * (batch_variance + (1 - fraction) * (batch_mean - mean) ** 2 - variance)
        mean += fraction * (batch_mean - mean)
    deviation = float(np.sqrt(variance))
    varies = deviation > CONSTANT * np.hypot(deviation, mean)
    r2 = 1 - mse / variance if varies else None
    return Evaluation(n=n, mse=mse, rmse=float(np.sqrt(mse)), mae=mae, r2=r2, bias=bias)
