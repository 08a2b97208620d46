"""Finds, loads and caches the versions that requests name."""

import threading
import time
from collections import OrderedDict
from functools import partial
from typing import NamedTuple

from service.artifact import torchscript
from service.artifact.columns import Columns, RowShape
from service.core.bounds import ColumnRanges
from service.core.inference import undefined_reason
from service.core.intervals import Intervals
from service.core.optimum import LeastSquares, Optimum
from service.errors import DescentError
from service.serving.loaded_model import LoadedModel, Once
from service.store import Store, Version

Key = tuple[str, int | None]


class Resolved(NamedTuple):
    """The result of a lookup, with its time and the change mark of the model before it."""

    change_mark: int
    at: float
    model: LoadedModel


class Predictor:
    """Loads versions from `store` and caches the `capacity` most recently looked up; each is checked when loaded.

    A lookup is repeated once a process of this machine has changed the model, and after `refresh_seconds`, because
    other machines on the same store give no notice of their changes.
    """

    def __init__(self, store: Store, capacity: int, refresh_seconds: float) -> None:
        self._store = store
        self._capacity = capacity
        self._refresh_seconds = refresh_seconds
        self._resolved: OrderedDict[Key, Resolved] = OrderedDict()
        self._refreshers: dict[Key, float] = {}
        self._lock = threading.Lock()

    def model(self, name: str, number: int | None = None) -> LoadedModel:
        """Return version `number` of a model, or the serving one.

        Raises ModelNotFound, VersionNotFound, InvalidModelConfig, CorruptArtifact or StoreUnavailable.
        """
        change_mark, now = self._store.change_mark(name), time.monotonic()
        known = self._resolved.get((name, number))
        if known and known.change_mark == change_mark and now - known.at < self._refresh_seconds:
            return known.model
        try:
            version = self._store.serving(name) if number is None else self._store.version(name, number)
            model = known.model if known and known.model.version == version else self._load(version)
        except DescentError:
            self._discard((name, number))
            raise
        self._keep((name, number), Resolved(change_mark, now, model))
        return model

    def cached(self, name: str, number: int | None = None) -> LoadedModel | None:
        """Return the result of `model` if it is cached and current, without reading the store; else None."""
        known = self._resolved.get((name, number))
        if known is None or known.change_mark != self._store.change_mark(name):
            return None
        return known.model if time.monotonic() - known.at < self._refresh_seconds else None

    def cached_or_elect_refresher(self, name: str, number: int | None = None) -> LoadedModel | None:
        """Return the cached version; None if the caller has to call `model`, which reads the store.

        On expiry one caller refreshes the entry and the others use the stale one, because concurrent refreshes delay
        each other.
        """
        key, now = (name, number), time.monotonic()
        known = self._resolved.get(key)
        if known is None or known.change_mark != self._store.change_mark(name):
            return None
        if now - max(known.at, self._refreshers.get(key, known.at)) < self._refresh_seconds:
            return known.model
        self._refreshers[key] = now
        return None

    def _keep(self, key: Key, resolved: Resolved) -> None:
        """Cache a lookup and evict the oldest one if there are too many."""
        with self._lock:
            self._resolved[key] = resolved
            self._resolved.move_to_end(key)
            self._refreshers.pop(key, None)
            if len(self._resolved) > self._capacity:
                oldest, _ = self._resolved.popitem(last=False)
                self._refreshers.pop(oldest, None)

    def _discard(self, key: Key) -> None:
        """Remove a failed lookup from the cache, so that later callers get the same error."""
        with self._lock:
            self._resolved.pop(key, None)
            self._refreshers.pop(key, None)

    def _load(self, version: Version) -> LoadedModel:
        file = torchscript.load_artifact(self._store.read(version))
        statistics = file.statistics
        return LoadedModel(
            version=version,
            columns=Columns(tuple(file.report["columns"]), RowShape(file.report["form"])),
            module=file.module(),
            ranges=ColumnRanges(statistics.lowest[:-1], statistics.highest[:-1]),
            mean=statistics.mean,
            intervals=Once(partial(_intervals, self._store, version)),
        )


def _intervals(store: Store, version: Version) -> Intervals | str:
    """Return the intervals of a version, or the reason why it has none."""
    file = torchscript.load_artifact(store.read(version))
    if not file.report["converged"]:
        return "needs a fit that has converged; train again with more epochs, or without epochs"
    options, statistics = file.report["options"], file.statistics
    optimum = Optimum.of(LeastSquares.of(statistics, fit_intercept=options["fit_intercept"]), options["l2"])
    reason = undefined_reason(optimum, statistics.n)
    if reason:
        return f"cannot be computed: {reason}"
    if len(optimum.null):
        return "cannot be computed: the data does not determine every coefficient"
    return Intervals.of(statistics, optimum)
