"""Answers predictions from the stored TorchScript files, through bounded caches."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from service.artifact import torchscript
from service.artifact.columns import Columns, RowShape
from service.core.blocks import FloatArray
from service.core.bounds import ColumnRanges, all_finite
from service.core.inference import interval_half_width, undefined_reason
from service.core.optimum import LeastSquares, Optimum
from service.errors import DescentError, InvalidRequest
from service.store import Store, Version

Reach = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class LoadedModel:
    """A version in memory."""

    version: Version
    columns: Columns
    module: torchscript.Module
    ranges: ColumnRanges
    means: FloatArray

    def forward(self, x: FloatArray) -> FloatArray:
        """ŷ (n,) of x (n, d), the columns in the model's order, where it overflows too."""
        return torchscript.predict(self.module, x)

    def predict(self, x: FloatArray, pointer: Callable[[int], str]) -> FloatArray:
        """ŷ (n,) of x (n, d), the columns in the model's order; raises InvalidRequest at the `pointer` of the first row
        where it overflows."""
        y = self.forward(x)
        check_finite(y, "a prediction", pointer)
        return y

    def count_outside(self, x: FloatArray) -> int:
        """How many rows of x (n, d) have a column outside the range of the training data."""
        return self.ranges.count_outside(x)

    def contributions(self, x: FloatArray) -> FloatArray:
        """What each column adds to the prediction for the mean row: w_j·(x_j − mean_j), (n, d)."""
        w, _ = torchscript.coefficients(self.module)
        return w * (x - self.means)

    @property
    def mean_prediction(self) -> float:
        """The prediction for the mean row."""
        w, b = torchscript.coefficients(self.module)
        return float(w @ self.means + b)


def check_finite(values: FloatArray, what: str, pointer: Callable[[int], str]) -> None:
    """Raise InvalidRequest at the `pointer` of the first row whose value, of (n,), is not finite."""
    if not all_finite(values):
        raise InvalidRequest.at(pointer(int(np.argmin(np.isfinite(values)))), f"has {what} that no float64 holds")


class Resolved(NamedTuple):
    """What a name and number were found to mean, at which generation and when."""

    change_mark: int
    at: float
    model: LoadedModel


class Predictor:
    """Loads versions from `store` and keeps the `capacity` last looked up; a version is checked whenever it is loaded.

    What a name means is looked up again as soon as a process of this machine has changed the model, and after
    `refresh_seconds` for the sake of other machines on the same store.
    """

    def __init__(self, store: Store, capacity: int, refresh_seconds: float) -> None:
        self._store = store
        self._capacity = capacity
        self._refresh_seconds = refresh_seconds
        self._resolved: OrderedDict[tuple[str, int | None], Resolved] = OrderedDict()
        self._looked_for: dict[tuple[str, int | None], float] = {}
        self._lock = threading.Lock()

    def model(self, name: str, number: int | None = None) -> LoadedModel:
        """Version `number` of a model, or the serving one; raises ModelNotFound, VersionNotFound or CorruptArtifact."""
        change_mark, now = self._store.change_mark(name), time.monotonic()
        known = self._resolved.get((name, number))
        if known and known.change_mark == change_mark and now - known.at < self._refresh_seconds:
            return known.model
        try:
            version = self._store.serving(name) if number is None else self._store.version(name, number)
            model = known.model if known and known.model.version == version else self._load(version)
        except DescentError:
            self._forget((name, number))
            raise
        self._keep((name, number), Resolved(change_mark, now, model))
        return model

    def cached(self, name: str, number: int | None = None) -> LoadedModel | None:
        """What `model` would answer, if that is known without a look at the store."""
        known = self._resolved.get((name, number))
        if known is None or known.change_mark != self._store.change_mark(name):
            return None
        return known.model if time.monotonic() - known.at < self._refresh_seconds else None

    def cached_or_elect_refresher(self, name: str, number: int | None = None) -> LoadedModel | None:
        """What is `fresh`. When it is time for a look at the store, a single caller is told nothing, so that it has
        somebody look, and the others are told what was known: many that look would hold each other up."""
        key, now = (name, number), time.monotonic()
        known = self._resolved.get(key)
        if known is None or known.change_mark != self._store.change_mark(name):
            return None
        if now - max(known.at, self._looked_for.get(key, known.at)) < self._refresh_seconds:
            return known.model
        self._looked_for[key] = now
        return None

    def _keep(self, key: tuple[str, int | None], resolved: Resolved) -> None:
        """Keep what was looked up; the one looked up longest ago makes room."""
        with self._lock:
            self._resolved[key] = resolved
            self._resolved.move_to_end(key)
            self._looked_for.pop(key, None)
            if len(self._resolved) > self._capacity:
                oldest, _ = self._resolved.popitem(last=False)
                self._looked_for.pop(oldest, None)

    def _forget(self, key: tuple[str, int | None]) -> None:
        """Know no more of what could not be looked up: whoever asks now has to look, and meets the same failure."""
        with self._lock:
            self._resolved.pop(key, None)
            self._looked_for.pop(key, None)

    def reach(self, loaded: LoadedModel, level: float, *, of_mean: bool) -> Reach:
        """What tells half the width of the interval around each prediction for x (n, d): (n,).

        Raises InvalidRequest for a version whose line is not the least-squares optimum, or has no statistics.
        """
        contents = torchscript.load_artifact(self._store.read(loaded.version)).contents
        options = contents.report["options"]
        if not contents.report["converged"]:
            raise InvalidRequest.at("/interval", "needs a fit that has converged; train without epochs, or with more")
        problem = LeastSquares.of(contents.statistics, fit_intercept=options["fit_intercept"])
        optimum = Optimum.of(problem, options["l2"])
        reason = undefined_reason(optimum, contents.statistics.n)
        if reason:
            raise InvalidRequest.at("/interval", f"cannot be given: {reason}")
        if len(optimum.null):
            raise InvalidRequest.at("/interval", "cannot be given: the data does not determine every coefficient")
        return partial(interval_half_width, contents.statistics, optimum, level=level, of_mean=of_mean)

    def _load(self, version: Version) -> LoadedModel:
        file = torchscript.load_artifact(self._store.read(version))
        statistics = file.statistics
        return LoadedModel(
            version=version,
            columns=Columns(tuple(file.report["columns"]), RowShape(file.report["form"])),
            module=file.module(),
            ranges=ColumnRanges(statistics.lowest[:-1], statistics.highest[:-1]),
            means=statistics.means[:-1],
        )
