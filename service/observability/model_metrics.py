"""Metrics of the serving versions, read from the store, so that they survive restarts and agree between replicas."""

import logging
import threading
import time
from collections.abc import Iterable
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from service import __version__
from service.artifact import torchscript
from service.errors import CorruptArtifact, InvalidModelConfig, NotFound
from service.observability.metrics import TABLE
from service.store import Store, Version

MAX_WAIT_SECONDS = 1.0
"""Longest time that a scrape waits for the store."""

log = logging.getLogger(__name__)


class ModelMetricsCollector(Collector):
    """Reads the reports of the serving versions of the `max_models` last changed models, each once.

    The store is listed at most every `refresh_seconds`, in a thread; a scrape waits for at most a second and then
    returns the previous metrics.
    """

    def __init__(self, store: Store, max_models: int, refresh_seconds: float) -> None:
        self._store = store
        self._max_models = max_models
        self._refresh_seconds = refresh_seconds
        self._lock = threading.Lock()
        self._thread = threading.Thread()
        self._refreshed = float("-inf")
        self._metrics: dict[Version, dict[str, float | None]] = {}
        self._unlabelled = 0
        self._up = True

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Return the metrics of all models."""
        families = {family.name: family for family in self.describe()}
        families["descent_store_up"].add_metric([], self._refresh())
        families["descent_models_without_labels"].add_metric([], self._unlabelled)
        families["descent_build_info"].add_metric([__version__], 1)
        for version, metrics in self._metrics.items():
            for name, value in metrics.items():
                if value is not None:
                    families[name].add_metric([version.model], value)
        return families.values()

    def describe(self) -> list[GaugeMetricFamily]:
        """Return the families without reading the store."""
        return [GaugeMetricFamily(row.name, row.about, labels=row.labels) for row in TABLE if row.kind == "store"]

    def _refresh(self) -> bool:
        """Refresh the metrics if they are due; return whether the last refresh could read the store."""
        with self._lock:
            if not self._thread.is_alive() and time.monotonic() - self._refreshed >= self._refresh_seconds:
                self._thread = threading.Thread(target=self._read_all, daemon=True)
                self._thread.start()
            thread = self._thread
        thread.join(MAX_WAIT_SECONDS)
        return self._up and not thread.is_alive()

    def _read_all(self) -> None:
        try:
            models = self._store.changed()
            shown = models[: self._max_models]
            versions = filter(None, (self._serving(model) for model, _ in shown))
            known = self._metrics
            self._metrics = {each: known[each] if each in known else self._read(each) for each in versions}
            self._unlabelled = len(models) - len(shown)
            self._up = True
        except Exception:
            log.exception("the metrics of models cannot be read from the store")
            self._up = False
        finally:
            self._refreshed = time.monotonic()

    def _serving(self, model: str) -> Version | None:
        try:
            return self._store.serving(model)
        except (NotFound, InvalidModelConfig) as error:
            log.debug("model %s has no metrics: %s", model, error)
            return None

    def _read(self, version: Version) -> dict[str, float | None]:
        """Return the metrics of a version by name; none of one that cannot be read."""
        try:
            report = torchscript.load_artifact(self._store.read(version)).report
        except (NotFound, CorruptArtifact) as error:
            log.warning("version %d of %s has no metrics: %s", version.number, version.model, error)
            return {}
        return {
            "descent_training_loss": report["loss"],
            "descent_training_r2": report["r2"],
            "descent_training_rows": report["n"],
            "descent_model_version": version.number,
            "descent_model_trained_timestamp_seconds": datetime.fromisoformat(report["trained_at"]).timestamp(),
        }
