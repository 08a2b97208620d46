"""The metrics: one table, from which the collectors and the documentation are made.

Facts are read from the store at a scrape; events are counted in the workers, in prometheus_client's multiprocess mode
wherever PROMETHEUS_MULTIPROC_DIR is set.
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
"""Upper bounds in seconds, for calls of 50 µs to 10 s."""


@dataclass(frozen=True)
class Metric:
    """One row of the table."""

    name: str
    kind: Literal["fact", "counter", "gauge", "latest", "histogram"]
    about: str
    labels: tuple[str, ...] = ()


TABLE = (
    Metric(
        "descent_training_loss", "fact", "Mean squared error of the serving version on its training data.", ("model",)
    ),
    Metric("descent_training_r2", "fact", "R² of the serving version on its training data.", ("model",)),
    Metric("descent_training_rows", "fact", "Rows that the serving version was trained on.", ("model",)),
    Metric("descent_model_version", "fact", "The serving version's number.", ("model",)),
    Metric(
        "descent_model_trained_timestamp_seconds",
        "fact",
        "When the serving version was trained, in Unix time.",
        ("model",),
    ),
    Metric(
        "descent_models_without_labels",
        "fact",
        "Models past DESCENT_METRICS_MAX_MODELS, which get no labels of their own.",
    ),
    Metric("descent_store_up", "fact", "Whether the store could be read at this scrape."),
    Metric("descent_build_info", "fact", "The running release, as a label; always 1.", ("version",)),
    Metric("descent_trainings_total", "counter", "Trainings, by outcome: published, rejected or failed.", ("outcome",)),
    Metric(
        "descent_training_duration_seconds",
        "histogram",
        "Time to fit and publish, from reading the body to the encoded answer.",
    ),
    Metric("descent_predictions_total", "counter", "BatchResult prediction requests.", ("model",)),
    Metric("descent_predicted_rows_total", "counter", "Rows in answered prediction requests.", ("model",)),
    Metric(
        "descent_out_of_range_rows_total",
        "counter",
        "Rows to predict that were outside the range of the training data.",
        ("model",),
    ),
    Metric("descent_evaluation_loss", "latest", "Mean squared error in the latest evaluation.", ("model",)),
    Metric(
        "descent_predict_duration_seconds",
        "histogram",
        "Time to answer a prediction, from reading the body to the encoded answer.",
    ),
    Metric(
        "descent_http_request_duration_seconds",
        "histogram",
        "Time to answer a request, by the route's pattern.",
        ("route", "method", "status"),
    ),
    Metric("descent_http_requests_in_progress", "gauge", "Requests being answered now."),
)

OTHER_MODELS = "(other models)"
OUTCOMES = ("published", "rejected", "failed")
FACTS = {metric.name: metric for metric in TABLE if metric.kind == "fact"}


class LatencyBatch(NamedTuple):
    """Times that are observed together: their number, their sum in seconds, and how many are in which bucket."""

    number: int
    total: float
    buckets: dict[int, int]

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "LatencyBatch":
        """Those of requests that were answered together."""
        buckets: dict[int, int] = {}
        for each in seconds:
            bucket = bisect_left(BUCKETS, each)
            buckets[bucket] = buckets.get(bucket, 0) + 1
        return cls(len(seconds), sum(seconds), buckets)


class LatencyHistogram(Histogram):
    """A histogram of times, in `BUCKETS`."""

    def observe_all(self, times: LatencyBatch) -> None:
        """Observe each of the times."""
        self._sum.inc(times.total)
        for bucket, count in times.buckets.items():
            self._buckets[bucket].inc(count)


class Count(Counter):
    """A counter, without what prometheus_client checks and does besides at each step."""

    def add(self, number: int) -> None:
        """Count so many more."""
        self._value.inc(number)


class Level(Gauge):
    """A gauge of what there is now, as above."""

    def add(self, number: int) -> None:
        """There are so many more, or fewer."""
        self._value.inc(number)


class MetricsByLabel(Generic[M]):
    """The metrics of one kind, by name and labels; prometheus_client would look for a child anew each time."""

    def __init__(self, metrics: dict[str, M]) -> None:
        self._metrics = metrics
        self._children: dict[tuple[str, ...], M] = {}

    def __call__(self, name: str, *labels: str) -> M:
        """The metric `name`, which has as many labels; an undeclared one is a KeyError."""
        key = (name, *labels)
        found = self._children.get(key)
        if found is None:
            metric = self._metrics[name]
            found = self._children[key] = metric.labels(*labels) if labels else metric
        return found


class Metrics:
    """The events of one process. The first `most_models` models that it meets get labels of their own."""

    def __init__(self, most_models: int) -> None:
        self._registry = CollectorRegistry()
        self._most_models = most_models
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
        for outcome in OUTCOMES:  # a counter that is first seen at 1 has no increase
            self.counter("descent_trainings_total", outcome)

    def _gauge(self, metric: Metric) -> Level:
        """Over workers, what is in progress adds up; of what was measured, the latest counts."""
        mode: Literal["livesum", "mostrecent"] = "livesum" if metric.kind == "gauge" else "mostrecent"
        return Level(*_described(metric), registry=self._registry, multiprocess_mode=mode)

    def model_label(self, model: str) -> str:
        """The label of a model that has been looked up: its name, or one for all past the bound."""
        if model not in self._models:
            if len(self._models) >= self._most_models:
                return OTHER_MODELS
            self._models.add(model)
        return model

    def scrape(self, facts: Collector) -> CollectorRegistry:
        """A registry of `facts` and of the events of every worker, made afresh for each scrape."""
        registry = CollectorRegistry()
        registry.register(facts)
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            MultiProcessCollector(registry)
        else:
            registry.register(_Collected(self._registry))
        return registry


class _Collected(Collector):
    """Another registry's metrics."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterable[MetricFamily]:
        return self._registry.collect()


def table() -> str:
    """The metrics as a Markdown table."""
    rows = ["| metric | kind | labels | what it tells |", "| --- | --- | --- | --- |"]
    for metric in TABLE:
        kind = "gauge" if metric.kind in ("fact", "latest") else metric.kind
        rows.append(f"| `{metric.name}` | {kind} | {', '.join(metric.labels)} | {metric.about} |")
    return "\n".join(rows) + "\n"


def _described(metric: Metric) -> tuple[str, str, tuple[str, ...]]:
    return metric.name, metric.about, metric.labels


def _of_kind(kind: str) -> list[Metric]:
    return [metric for metric in TABLE if metric.kind == kind]
