"""The metrics and the log line of every request, on the fast path and on the slow path."""

import logging
import random
import re
from collections.abc import Sequence
from functools import cache
from typing import Any, Literal, NamedTuple

from service.observability import logs
from service.observability.metrics import LatencyHistogram, Metrics, count_by_bucket

REQUEST_ID = "X-Request-ID"
ACCEPTED_ID = re.compile(r"[\w.:/+=@-]{1,128}", re.ASCII)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Methods with a label of their own; others share one, because clients can invent methods."""

Counted = Literal["training", "group-training", "prediction"]
"""The route of a group training counts its groups itself, if the request as a whole succeeds."""

log = logging.getLogger("descent.requests")


class RequestLabels(NamedTuple):
    """The labels of requests that are observed together; `counts` is the kind of call in the model's metrics."""

    route: str
    method: str
    status: int
    counts: Counted | None


RequestLogRecord = dict[str, Any]
"""The fields of a request's log line."""


class Recorder:
    """Counts and times requests; logs those that fail or take at least `log_min_duration_ms` milliseconds."""

    def __init__(self, metrics: Metrics, log_min_duration_ms: float) -> None:
        self._metrics = metrics
        self._log_min_duration_ms = log_min_duration_ms
        self._histograms = cache(self._histograms_of)
        self.in_progress = metrics.gauge("descent_http_requests_in_progress")

    def count(self, kind: RequestLabels, seconds: Sequence[float]) -> None:
        """Count requests with the same labels and these durations, before their last bytes are sent."""
        total, counts = sum(seconds), count_by_bucket(seconds)
        for histogram in self._histograms(kind if kind.method in METHODS else kind._replace(method="other")):
            histogram.observe_all(total, counts)
        if kind.counts == "training" or (kind.counts == "group-training" and kind.status >= 400):
            self._metrics.counter("descent_trainings_total", training_outcome(kind.status)).add(len(seconds))

    def log(self, lines: Sequence[RequestLogRecord]) -> None:
        """Log the requests that fail or take long enough; a batch costs much less than single calls."""
        failed = [line for line in lines if line["status"] >= 500]
        others = [line for line in lines if line["status"] < 500 and line["ms"] >= self._log_min_duration_ms]
        for level, records in ((logging.ERROR, failed), (logging.INFO, others)):
            if records:
                logs.log_requests(log, level, records)

    def _histograms_of(self, kind: RequestLabels) -> list[LatencyHistogram]:
        """Return the histograms that observe requests with some labels."""
        labels = (kind.route, kind.method, str(kind.status))
        histograms = [self._metrics.histogram("descent_http_request_duration_seconds", *labels)]
        if kind.counts in ("training", "group-training") and kind.status < 400:
            histograms.append(self._metrics.histogram("descent_training_duration_seconds"))
        elif kind.counts == "prediction" and kind.status == 200:
            histograms.append(self._metrics.histogram("descent_predict_duration_seconds"))
        return histograms


def line(
    kind: RequestLabels,
    request_id: str,
    path: str,
    model: str | None,
    client: str | None,
    bytes_in: int,
    bytes_out: int,
    seconds: float,
) -> RequestLogRecord:
    """Return the fields of a request's log line."""
    return {
        "request_id": request_id,
        "method": kind.method,
        "path": path,
        "model": model,
        "status": kind.status,
        "ms": int(1e6 * seconds) / 1000,
        "bytes_in": bytes_in,
        "bytes_out": bytes_out,
        "client": client,
    }


def request_id(header: str) -> str:
    """Return the client's request id if it is safe to log, else a new one."""
    return header if ACCEPTED_ID.fullmatch(header) else f"{random.getrandbits(64):016x}"


def training_outcome(status: int) -> str:
    """Return the outcome of a training, as the metrics label it, for the status of its response."""
    if status < 400:
        return "published"
    return "rejected" if status < 500 else "failed"
