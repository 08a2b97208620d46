"""What the store says of the served models, as metrics: right after a restart, and the same from every replica."""

import logging
import threading
import time
from collections.abc import Iterator
from typing import NamedTuple

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from service import __version__, torchscript
from service.errors import DescentError, NotFound, StoreUnavailable
from service.metrics import FACTS
from service.store import Store

LONGEST_WAIT = 1.0
"""Seconds that a scrape waits for the store, at most."""
SETTLED_NS = 2_000_000_000
"""A change younger than this may hide another in the same tick of the file system's clock."""

log = logging.getLogger(__name__)


class Fact(NamedTuple):
    """What one serving version's report tells."""

    version: int
    loss: float
    r2: float | None
    rows: float
    trained: float


class Known(NamedTuple):
    """A model's fact as of its last change; None if it has no version that can be read."""

    changed: int
    fact: Fact | None


class ServingFacts(Collector):
    """Reads the reports of the `most_models` last changed models, each once per change.

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
        self._known: dict[str, Known] = {}
        self._unlabelled = 0
        self._up = True

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The facts, as prometheus_client asks for them."""
        up = self._refresh()
        facts = {model: known.fact for model, known in self._known.items() if known.fact is not None}
        yield _per_model("descent_training_loss", {model: fact.loss for model, fact in facts.items()})
        yield _per_model("descent_training_r2", {m: fact.r2 for m, fact in facts.items() if fact.r2 is not None})
        yield _per_model("descent_training_rows", {model: fact.rows for model, fact in facts.items()})
        yield _per_model("descent_model_version", {model: fact.version for model, fact in facts.items()})
        yield _per_model("descent_model_trained_timestamp_seconds", {m: fact.trained for m, fact in facts.items()})
        yield _plain("descent_models_unlabelled", self._unlabelled)
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
            self._known = {model: self._of(model, changed) for model, changed in shown}
            self._unlabelled = len(models) - len(shown)
            self._up = True
        except StoreUnavailable as error:
            log.warning("the metrics cannot be refreshed: %s", error)
            self._up = False
        finally:
            self._refreshed = time.monotonic()
            self._refreshing = None

    def _of(self, model: str, changed: int) -> Known:
        known = self._known.get(model)
        if known is not None and known.changed == changed and time.time_ns() - changed > SETTLED_NS:
            return known
        return Known(changed, self._read(model))

    def _read(self, model: str) -> Fact | None:
        try:
            version = self._store.serving(model)
            report = torchscript.read_report(self._store.read(version))
        except NotFound:
            return None
        except StoreUnavailable:
            raise
        except DescentError as error:
            log.warning("model %s has no facts: %s", model, error)
            return None
        return Fact(version.number, report["loss"], report["optimum"]["r2"], report["n"], report["trained_at"])


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
