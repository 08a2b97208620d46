"""What the store says of the served models, as metrics: right after a restart, and the same from every replica."""

import threading
import time
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from service import __version__, torchscript
from service.errors import DescentError, NotFound
from service.metrics import FACTS
from service.store import Store, Version


class Fact(NamedTuple):
    """What one serving version's report tells."""

    model: str
    version: int
    loss: float
    r2: float | None
    rows: float
    trained: float


class ServingFacts(Collector):
    """Reads the reports of serving versions, each once, and lists the store at most every `refresh_seconds`."""

    def __init__(self, store: Store, most_models: int, refresh_seconds: float) -> None:
        self._store = store
        self._most_models = most_models
        self._refresh_seconds = refresh_seconds
        self._fact = lru_cache(maxsize=None)(self._read)
        self._lock = threading.Lock()
        self._listed = float("-inf")
        self._facts: list[Fact] = []
        self._up = True

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The facts, as prometheus_client asks for them."""
        with self._lock:
            if time.monotonic() - self._listed >= self._refresh_seconds:
                self._refresh()
            facts, up = self._facts, self._up
        shown = facts[: self._most_models]
        yield _per_model("descent_training_loss", {fact.model: fact.loss for fact in shown})
        yield _per_model("descent_training_r2", {fact.model: fact.r2 for fact in shown if fact.r2 is not None})
        yield _per_model("descent_training_rows", {fact.model: fact.rows for fact in shown})
        yield _per_model("descent_model_version", {fact.model: fact.version for fact in shown})
        yield _per_model("descent_model_trained_timestamp_seconds", {fact.model: fact.trained for fact in shown})
        yield _plain("descent_models_unlabelled", len(facts) - len(shown))
        yield _plain("descent_store_up", int(up))
        build = _family("descent_build_info")
        build.add_metric([__version__], 1)
        yield build

    def describe(self) -> list[GaugeMetricFamily]:
        """The families, without reading the store."""
        return [_family(name) for name in FACTS]

    def _refresh(self) -> None:
        self._listed = time.monotonic()
        try:
            facts = [fact for fact in map(self._of_model, list(self._store.models())) if fact is not None]
        except DescentError:
            self._up = False
        else:
            self._facts = sorted(facts, key=lambda fact: fact.trained, reverse=True)
            self._up = True

    def _of_model(self, model: str) -> Fact | None:
        try:
            return self._fact(self._store.serving(model))
        except NotFound:
            return None

    def _read(self, version: Version) -> Fact | None:
        try:
            report = torchscript.read_report(self._store.read(version))
        except DescentError:
            return None
        return Fact(
            model=version.model,
            version=version.number,
            loss=report["loss"],
            r2=report["optimum"]["r2"],
            rows=report["n"],
            trained=report["trained_at"],
        )


def _family(name: str) -> GaugeMetricFamily:
    metric = FACTS[name]
    return GaugeMetricFamily(name, metric.about, labels=metric.labels)


def _per_model(name: str, values: dict[str, float]) -> GaugeMetricFamily:
    family = _family(name)
    for model, value in values.items():
        family.add_metric([model], value)
    return family


def _plain(name: str, value: float) -> GaugeMetricFamily:
    family = _family(name)
    family.add_metric([], value)
    return family
