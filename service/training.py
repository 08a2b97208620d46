"""Trains: rows and options become a fit, the fit an artifact, the artifact a version in the store."""

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from service import torchscript
from service.columns import Columns
from service.core.statistics import Batch
from service.errors import BodyTooLarge, InvalidRequest
from service.fitting import Options, fit
from service.report import report
from service.store import Store, Version, check_name


@dataclass(frozen=True)
class Published:
    """A version that a training has published: its report and its file."""

    version: Version
    report: dict[str, Any]
    artifact: bytes


class Trainer:
    """Publishes fits to `store`."""

    def __init__(
        self, store: Store, most_columns: int, most_autograd_epochs: int, most_autograd_bytes: int = 1 << 28
    ) -> None:
        self._store = store
        self._most_columns = most_columns
        self._most_autograd_epochs = most_autograd_epochs
        self._most_autograd_bytes = most_autograd_bytes

    def train(self, model: str, batches: Iterable[Batch], columns: Columns, options: Options) -> Published:
        """Fit the rows of `batches` and publish the next version of `model`; raises InvalidRequest, StoreUnavailable
        and what reading the batches raises."""
        check_name(model)
        _check_columns(columns, self._most_columns)
        if options.method == "autograd":
            batches = [_collected(batches, self._most_autograd_bytes)]
        fitted = fit(batches, columns, options, self._most_autograd_epochs)
        written = report(fitted) | {"trained_at": round(time.time(), 3)}
        contents = torchscript.Contents(written, _asked(options), fitted.statistics)
        artifact = torchscript.dump(fitted.w, fitted.b, contents)
        return Published(self._store.publish(model, artifact), written, artifact)


def _check_columns(columns: Columns, most: int) -> None:
    d = len(columns.names)
    if d > most:
        raise InvalidRequest.at("/x", f"has {d} columns; send at most {most} (DESCENT_MAX_COLUMNS)")


def _collected(batches: Iterable[Batch], most_bytes: int) -> Batch:
    """All rows at once, which the loop walks on again and again; raises BodyTooLarge."""
    collected, size = [], 0
    for batch in batches:
        size += batch.x.nbytes + batch.y.nbytes
        if size > most_bytes:
            detail = f"The autograd method holds all rows, of at most {most_bytes} bytes (DESCENT_MAX_BODY_BYTES)"
            raise BodyTooLarge(f'{detail}; send fewer, or "method": "spectral", which holds a batch at a time.')
        collected.append(batch)
    if len(collected) == 1:
        return collected[0]
    x, y, weights = zip(*collected, strict=True)
    weight = None if weights[0] is None else np.concatenate(weights)
    return Batch(np.concatenate(x), np.concatenate(y), weight)


def _asked(options: Options) -> dict[str, Any]:
    """The options as they were asked for, for a later append to inherit."""
    asked = asdict(options)
    if options.initial is not None:
        asked["initial"]["w"] = options.initial.w.tolist()
    return asked
