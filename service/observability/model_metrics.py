"""What the store says of the served models, as metrics: right after a restart, and the same from every replica."""

import logging
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from service import __version__
from service.artifact import torchscript
from service.errors import CorruptArtifact, InvalidModelConfig, NotFound
from service.observability.metrics import FACTS
from service.store import Store, Version

LONGEST_WAIT = 1.0
"""Seconds that a scrape waits for the store, at most."""

log = logging.getLogger(__name__)


class ModelMetrics(NamedTuple):
    """What one serving version's report tells."""

    version: int
    loss: float
    r2: float | None
    rows: float
    trained: float


class ModelMetricsCollector(Collector):
    """Reads the reports of the serving versions of the `most_models` last changed models, each once.

    The store is listed at most every `refresh_seconds`, beside the scrape, which waits a second at most and then tells
    the last facts.
    """

    def __init__(self, store: Store, most_models: int, refresh_seconds: float) -> None:
        self._store = store
        self._most_models = most_models
        self._refresh_seconds = refresh_seconds
        self._lock = threading.Lock()
        self._refreshing: threading.Thread | None = None
        self._refreshed = float("-inf")
        self._facts: dict[Version, ModelMetrics | None] = {}
        self._unlabelled = 0
        self._up = True

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The facts, as prometheus_client asks for them."""
        up = self._refresh()
        facts = {version.model: fact for version, fact in self._facts.items() if fact is not None}
        yield _per_model("descent_training_loss", {model: fact.loss for model, fact in facts.items()})
        yield _per_model("descent_training_r2", {m: fact.r2 for m, fact in facts.items() if fact.r2 is not None})
        yield _per_model("descent_training_rows", {model: fact.rows for model, fact in facts.items()})
        yield _per_model("descent_model_version", {model: fact.version for model, fact in facts.items()})
        yield _per_model("descent_model_trained_timestamp_seconds", {m: fact.trained for m, fact in facts.items()})
        yield _plain("descent_models_without_labels", self._unlabelled)
        yield _plain("descent_store_up", int(up))
        build = _family("descent_build_info")
        build.add_metric([__version__], 1)
        yield build

    def describe(self) -> list[GaugeMetricFamily]:
        """The families, without reading the store."""
        return [_family(name) for name in FACTS]

    def _refresh(self) -> bool:
        """Bring the facts up to date if they are due, and say whether the store was up when that was last done."""
        with self._lock:
            running = self._refreshing
            if running is None and time.monotonic() - self._refreshed >= self._refresh_seconds:
                running = self._refreshing = threading.Thread(target=self._read_all, daemon=True)
                running.start()
        if running is not None:
            running.join(LONGEST_WAIT)
            if running.is_alive():
                return False
        return self._up

    def _read_all(self) -> None:
        try:
            models = self._store.changed()
            shown = models[: self._most_models]
            versions = filter(None, (self._serving(model) for model, _ in shown))
            known = self._facts
            self._facts = {each: known[each] if each in known else self._read(each) for each in versions}
            self._unlabelled = len(models) - len(shown)
            self._up = True
        except Exception:
            log.exception("the facts of the store cannot be read")
            self._up = False
        finally:
            self._refreshed = time.monotonic()
            self._refreshing = None

    def _serving(self, model: str) -> Version | None:
        try:
            return self._store.serving(model)
        except (NotFound, InvalidModelConfig) as error:
            log.debug("model %s has no facts: %s", model, error)
            return None

    def _read(self, version: Version) -> ModelMetrics | None:
        try:
            report = torchscript.load_artifact(self._store.read(version)).report
        except (NotFound, CorruptArtifact) as error:
            log.warning("version %d of %s has no facts: %s", version.number, version.model, error)
            return None
        trained = datetime.fromisoformat(report["trained_at"]).timestamp()
        return ModelMetrics(version.number, report["loss"], report["r2"], report["n"], trained)


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
