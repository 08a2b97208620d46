"""How well predictions meet what was observed."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from service.core.blocks import FloatArray
from service.core.optimum import CONSTANT


class EvaluationBatch(NamedTuple):
    """Some rows' y (m,), what was predicted for them (m,), and their weights (m,), which may be 1 throughout."""

    y: FloatArray
    predicted: FloatArray
    weight: FloatArray | None


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


def evaluate(batches: Iterable[EvaluationBatch]) -> Evaluation:
    """Compare predictions with what was observed, in one pass; the weights of a batch may all be zero. Without any row
    of positive weight n is 0."""
    n, total, mse, mae, bias, centre, variance = 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for y, predicted, given in batches:
        weight = np.ones_like(y) if given is None else given
        if not weight.any():
            continue
        n += int(np.count_nonzero(weight))
        total += float(weight.sum())
        part = float(weight.sum()) / total
        share = weight / weight.sum()
        error = predicted - y
        mse += part * (float(share @ np.square(error)) - mse)
        mae += part * (float(share @ np.abs(error)) - mae)
        bias += part * (float(share @ error) - bias)
        mean = float(share @ y)
        variance += part * (float(share @ np.square(y - mean)) + (1 - part) * (mean - centre) ** 2 - variance)
        centre += part * (mean - centre)
    deviation = float(np.sqrt(variance))
    varies = deviation > CONSTANT * np.hypot(deviation, centre)
    r2 = 1 - mse / variance if varies else None
    return Evaluation(n=n, mse=mse, rmse=float(np.sqrt(mse)), mae=mae, r2=r2, bias=bias)
