"""Trains: rows and options become a fit, the fit an artifact, the artifact a version in the store."""

import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from service import torchscript
from service.columns import Columns
from service.core.statistics import Batch
from service.errors import InvalidRequest
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

    def __init__(self, store: Store, most_columns: int, most_autograd_epochs: int) -> None:
        self._store = store
        self._most_columns = most_columns
        self._most_autograd_epochs = most_autograd_epochs

    def train(self, model: str, rows: Batch, columns: Columns, options: Options) -> Published:
        """Fit `rows` and publish the next version of `model`; raises InvalidRequest and StoreUnavailable."""
        check_name(model)
        _check_rows(rows, self._most_columns)
        fitted = fit(rows, columns, options, self._most_autograd_epochs)
        written = report(fitted) | {"trained_at": round(time.time(), 3)}
        contents = torchscript.Contents(written, _asked(options), fitted.statistics)
        artifact = torchscript.dump(fitted.w, fitted.b, contents)
        return Published(self._store.publish(model, artifact), written, artifact)


def _check_rows(rows: Batch, most_columns: int) -> None:
    n, d = rows.x.shape
    if d > most_columns:
        raise InvalidRequest.at("/x", f"has {d} columns; send at most {most_columns} (DESCENT_MAX_COLUMNS)")
    if len(rows.y) != n:
        raise InvalidRequest.at("/y", f"has {len(rows.y)} numbers, but x has {n} rows; send one for each")
    if rows.weight is None:
        return
    if len(rows.weight) != n:
        raise InvalidRequest.at(
            "/sample_weight", f"has {len(rows.weight)} numbers, but x has {n} rows; send one for each"
        )
    if rows.weight.min() < 0:
        raise InvalidRequest.at(f"/sample_weight/{int(np.argmin(rows.weight))}", "is negative")
    if rows.weight.max() == 0:
        raise InvalidRequest.at("/sample_weight", "is zero for every row; give at least one a positive weight")


def _asked(options: Options) -> dict[str, Any]:
    """The options as they were asked for, for a later append to inherit."""
    asked = asdict(options)
    if options.initial is not None:
        asked["initial"]["w"] = options.initial.w.tolist()
    return asked
