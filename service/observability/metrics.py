"""The metrics: one table, from which the collectors and the documentation are made.

Metrics of models are read from the store at a scrape. Events are counted in the workers, in prometheus_client's
multiprocess mode if PROMETHEUS_MULTIPROC_DIR is set.
"""

import os
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Literal, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

M = TypeVar("M", bound=MetricWrapperBase)

BUCKETS = (5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Upper bounds of latency buckets in seconds."""


@dataclass(frozen=True)
class Metric:
    """One row of the table."""

    name: str
    kind: Literal["store", "counter", "gauge", "latest", "histogram"]
    about: str
    labels: tuple[str, ...] = ()


MODEL = ("model",)
TABLE = (
    Metric("descent_training_loss", "store", "Mean squared error of the serving version on its training data.", MODEL),
    Metric("descent_training_r2", "store", "R² of the serving version on its training data.", MODEL),
    Metric("descent_training_rows", "store", "Rows that the serving version was trained on.", MODEL),
    Metric("descent_model_version", "store", "The serving version's number.", MODEL),
    Metric("descent_model_trained_timestamp_seconds", "store", "Unix time of the serving version's training.", MODEL),
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
    Metric("descent_predictions_total", "counter", "Answered prediction requests.", MODEL),
    Metric("descent_predicted_rows_total", "counter", "Rows in answered prediction requests.", MODEL),
    Metric(
        "descent_out_of_range_rows_total",
        "counter",
        "Predicted rows with a value outside the range of the training data.",
        MODEL,
    ),
    Metric("descent_evaluation_loss", "latest", "Mean squared error of the latest evaluation.", MODEL),
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


def count_by_bucket(seconds: Sequence[float]) -> dict[int, int]:
    """Return the number of latencies in each bucket that has any."""
    counts: dict[int, int] = {}
    for each in seconds:
        bucket = bisect_left(BUCKETS, each)
        counts[bucket] = counts.get(bucket, 0) + 1
    return counts


class LatencyHistogram(Histogram):
    """A histogram with `BUCKETS` that observes several latencies at once."""

    def observe_all(self, total: float, counts: dict[int, int]) -> None:
        """Observe latencies of `total` seconds, by the number in each bucket."""
        self._sum.inc(total)
        for bucket, count in counts.items():
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


class Metrics:
    """The events of one process. The first `max_models` models in it have labels of their own.

    counter, gauge, histogram: return the metric with a name and labels. Raise KeyError for an undeclared one. The level
    of a gauge is summed over workers, that of a metric of the kind "latest" is the latest of any.
    """

    def __init__(self, max_models: int) -> None:
        self._registry = CollectorRegistry()
        self._max_models = max_models
        self._models: set[str] = set()
        self.counter = self._by_label(counter=Count)
        self.gauge = self._by_label(
            gauge=partial(Level, multiprocess_mode="livesum"), latest=partial(Level, multiprocess_mode="mostrecent")
        )
        self.histogram = self._by_label(histogram=partial(LatencyHistogram, buckets=BUCKETS))
        for outcome in OUTCOMES:  # a counter first scraped at 1 has no increase
            self.counter("descent_trainings_total", outcome)

    def _by_label(self, **makers: Callable[..., M]) -> Callable[..., M]:
        """Make the metrics of some kinds; return a function that returns one by its name and labels.

        The function is cached because prometheus_client looks up a child at each call.
        """
        metrics = {
            row.name: makers[row.kind](row.name, row.about, row.labels, registry=self._registry)
            for row in TABLE
            if row.kind in makers
        }

        @cache
        def child(name: str, *labels: str) -> M:
            return metrics[name].labels(*labels) if labels else metrics[name]

        return child

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
            registry.register(self._registry)
        return registry
