"""The data of a training: statistics of all rows, and the rows themselves for the autograd method."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from service.core.blocks import Batch
from service.core.statistics import MakeExecutor, Statistics, gather
from service.errors import BodyTooLarge, InvalidRequest
from service.training.request import Request


@dataclass(frozen=True)
class TrainingData:
    """Statistics of the rows; `rows` only for the autograd method."""

    statistics: Statistics
    rows: Batch | None = None


def read(
    request: Request, max_columns: int, max_autograd_bytes: int, threads: int, make_executor: MakeExecutor | None
) -> TrainingData:
    """Read all rows of a request; raises InvalidRequest, BodyTooLarge and the errors of its batches."""
    d = len(request.columns.names)
    if d > max_columns:
        raise InvalidRequest.at("/x", f"has {d} columns; send at most {max_columns} (DESCENT_MAX_COLUMNS)")
    if request.append is False and request.decay != 1:
        raise InvalidRequest.at("/decay", "applies to the rows that an append continues; send append too, or omit it")
    batches, rows = request.batches, None
    if request.append is False and request.explicit_options.get("method") == "autograd":
        rows = _collect(batches, max_autograd_bytes)
        batches = [rows]
    statistics = gather(batches, d, threads, make_executor)
    if statistics.n == 0:
        raise InvalidRequest.at("/sample_weight", "is zero for every row; give at least one a positive weight")
    return TrainingData(statistics, rows)


def _collect(batches: Iterable[Batch], max_bytes: int) -> Batch:
    """Return all rows as one batch; raises BodyTooLarge."""
    collected, size = [], 0
    for batch in batches:
        size += batch.x.nbytes + batch.y.nbytes
        if size > max_bytes:
            detail = f"The autograd method holds all rows in memory, at most {max_bytes} bytes (DESCENT_MAX_BODY_BYTES)"
            raise BodyTooLarge(f'{detail}; send fewer rows, or use "method": "spectral", which reads them in batches.')
        collected.append(batch)
    if len(collected) == 1:
        return collected[0]
    x, y, weights = zip(*collected, strict=True)
    weight = None if weights[0] is None else np.concatenate(weights)
    return Batch(np.concatenate(x), np.concatenate(y), weight)
