"""The metrics: one table, from which the collectors and the documentation are made.

Metrics of models are read from the store at a scrape. Events are counted in the workers, in prometheus_client's
multiprocess mode if PROMETHEUS_MULTIPROC_DIR is set.
"""

import os
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, NamedTuple, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.metrics_core import Metric as MetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

M = TypeVar("M", bound=MetricWrapperBase)

BUCKETS = (
    0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0,
)  # fmt: skip
"""Upper bounds of latency buckets in seconds."""


@dataclass(frozen=True)
class Metric:
    """One row of the table."""

    name: str
    kind: Literal["store", "counter", "gauge", "latest", "histogram"]
    about: str
    labels: tuple[str, ...] = ()


TABLE = (
    Metric(
        "descent_training_loss", "store", "Mean squared error of the serving version on its training data.", ("model",)
    ),
    Metric("descent_training_r2", "store", "R² of the serving version on its training data.", ("model",)),
    Metric("descent_training_rows", "store", "Rows that the serving version was trained on.", ("model",)),
    Metric("descent_model_version", "store", "The serving version's number.", ("model",)),
    Metric(
        "descent_model_trained_timestamp_seconds",
        "store",
        "Unix time of the serving version's training.",
        ("model",),
    ),
    Metric(
        "descent_models_without_labels",
        "store",
        "Models beyond DESCENT_METRICS_MAX_MODELS, which have no labels of their own.",
    ),
    Metric("descent_store_up", "store", "1 if the store could be read at this scrape, else 0."),
    Metric("descent_build_info", "store", "Always 1; its label is the version of the service.", ("version",)),
    Metric("descent_trainings_total", "counter", "Trainings by outcome: published, rejected or failed.", ("outcome",)),
    Metric(
        "descent_training_duration_seconds",
        "histogram",
        "Duration of a training, from reading the body to the encoded response.",
    ),
    Metric("descent_predictions_total", "counter", "Answered prediction requests.", ("model",)),
    Metric("descent_predicted_rows_total", "counter", "Rows in answered prediction requests.", ("model",)),
    Metric(
        "descent_out_of_range_rows_total",
        "counter",
        "Predicted rows with a value outside the range of the training data.",
        ("model",),
    ),
    Metric("descent_evaluation_loss", "latest", "Mean squared error of the latest evaluation.", ("model",)),
    Metric(
        "descent_predict_duration_seconds",
        "histogram",
        "Duration of a prediction, from reading the body to the encoded response.",
    ),
    Metric(
        "descent_http_request_duration_seconds",
        "histogram",
        "Duration of a request by route pattern, method and status.",
        ("route", "method", "status"),
    ),
    Metric("descent_http_requests_in_progress", "gauge", "Requests in progress."),
)

OTHER_MODELS = "(other models)"
OUTCOMES = ("published", "rejected", "failed")
FROM_STORE = {metric.name: metric for metric in TABLE if metric.kind == "store"}


class LatencyBatch(NamedTuple):
    """Latencies observed together: their number, their sum in seconds, and the count of each bucket."""

    number: int
    total: float
    buckets: dict[int, int]

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "LatencyBatch":
        """Return the batch of some latencies."""
        buckets: dict[int, int] = {}
        for each in seconds:
            bucket = bisect_left(BUCKETS, each)
            buckets[bucket] = buckets.get(bucket, 0) + 1
        return cls(len(seconds), sum(seconds), buckets)


class LatencyHistogram(Histogram):
    """A histogram with `BUCKETS` that observes batches."""

    def observe_all(self, latencies: LatencyBatch) -> None:
        """Observe each of the latencies."""
        self._sum.inc(latencies.total)
        for bucket, count in latencies.buckets.items():
            self._buckets[bucket].inc(count)


class Count(Counter):
    """A counter without the checks and exemplars of prometheus_client's `inc`."""

    def add(self, number: int) -> None:
        """Increase the counter by `number`."""
        self._value.inc(number)


class Level(Gauge):
    """A gauge without the checks of prometheus_client's `inc`."""

    def add(self, number: int) -> None:
        """Change the gauge by `number`."""
        self._value.inc(number)


class MetricsByLabel(Generic[M]):
    """The metrics of one kind by name and labels, cached because prometheus_client looks up a child at each call."""

    def __init__(self, metrics: dict[str, M]) -> None:
        self._metrics = metrics
        self._children: dict[tuple[str, ...], M] = {}

    def __call__(self, name: str, *labels: str) -> M:
        """Return the metric `name` with its labels; raises KeyError for an undeclared one."""
        key = (name, *labels)
        found = self._children.get(key)
        if found is None:
            metric = self._metrics[name]
            found = self._children[key] = metric.labels(*labels) if labels else metric
        return found


class Metrics:
    """The events of one process. The first `max_models` models in it have labels of their own."""

    def __init__(self, max_models: int) -> None:
        self._registry = CollectorRegistry()
        self._max_models = max_models
        self._models: set[str] = set()
        self.counter = MetricsByLabel(
            {m.name: Count(*_described(m), registry=self._registry) for m in _of_kind("counter")}
        )
        self.gauge = MetricsByLabel({m.name: self._gauge(m) for m in (*_of_kind("gauge"), *_of_kind("latest"))})
        self.histogram = MetricsByLabel(
            {
                m.name: LatencyHistogram(*_described(m), registry=self._registry, buckets=BUCKETS)
                for m in _of_kind("histogram")
            }
        )
        for outcome in OUTCOMES:  # a counter first scraped at 1 has no increase
            self.counter("descent_trainings_total", outcome)

    def _gauge(self, metric: Metric) -> Level:
        """Return a gauge that is summed over workers if it counts requests in progress, else the latest value."""
        mode: Literal["livesum", "mostrecent"] = "livesum" if metric.kind == "gauge" else "mostrecent"
        return Level(*_described(metric), registry=self._registry, multiprocess_mode=mode)

    def model_label(self, model: str) -> str:
        """Return the label of an existing model: its name, or a common one beyond `max_models`."""
        if model not in self._models:
            if len(self._models) >= self._max_models:
                return OTHER_MODELS
            self._models.add(model)
        return model

    def scrape(self, model_metrics: Collector) -> CollectorRegistry:
        """Return a new registry of `model_metrics` and the events of all workers."""
        registry = CollectorRegistry()
        registry.register(model_metrics)
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            MultiProcessCollector(registry)
        else:
            registry.register(_Collected(self._registry))
        return registry


class _Collected(Collector):
    """The metrics of another registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterable[MetricFamily]:
        return self._registry.collect()


def table() -> str:
    """Return the metrics as a Markdown table."""
    rows = ["| metric | kind | labels | meaning |", "| --- | --- | --- | --- |"]
    for metric in TABLE:
        kind = "gauge" if metric.kind in ("store", "latest") else metric.kind
        rows.append(f"| `{metric.name}` | {kind} | {', '.join(metric.labels)} | {metric.about} |")
    return "\n".join(rows) + "\n"


def _described(metric: Metric) -> tuple[str, str, tuple[str, ...]]:
    return metric.name, metric.about, metric.labels


def _of_kind(kind: str) -> list[Metric]:
    return [metric for metric in TABLE if metric.kind == kind]
