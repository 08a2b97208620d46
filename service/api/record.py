"""What is told of every answered request, whichever way it was answered: its metrics, and its line in the log."""

import logging
import random
import re
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from service import logs
from service.metrics import Metrics, Times

REQUEST_ID = "X-Request-ID"
ACCEPTED_ID = re.compile(r"[\w.:/+=@-]{1,128}", re.ASCII)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Methods are labels, and clients can make them up."""

Counted = Literal["training", "prediction"]

log = logging.getLogger("descent.requests")


class Kind(NamedTuple):
    """What requests that are observed together have in common: the route's pattern, what its calls count as, and how
    they were answered."""

    route: str
    method: str
    status: int
    counts: Counted | None


Line = dict[str, Any]
"""What the log's line of a request tells."""


class Recorder:
    """Counts and times requests; logs those that take at least `log_slower_than` seconds or fail."""

    def __init__(self, metrics: Metrics, log_slower_than: float) -> None:
        self._metrics = metrics
        self._log_slower_than = log_slower_than
        self.in_progress = metrics.gauge("descent_http_requests_in_progress")

    def record(self, kind: Kind, seconds: Sequence[float], lines: Sequence[Line]) -> None:
        """Tell of requests of one kind, how long they took and what their lines tell, before their last bytes leave. Of
        many, telling costs little more than of one."""
        self._observe(kind, Times.of(seconds))
        least = 0 if kind.status >= 500 else self._log_slower_than
        told = [line for line, each in zip(lines, seconds, strict=True) if each >= least]
        if told:
            logs.tell(log, logging.INFO if kind.status < 500 else logging.ERROR, told)

    def _observe(self, kind: Kind, times: Times) -> None:
        metrics, status = self._metrics, kind.status
        method = kind.method if kind.method in METHODS else "other"
        metrics.histogram("descent_http_request_duration_seconds", kind.route, method, str(status)).observe_all(times)
        if kind.counts == "training":
            metrics.counter("descent_trainings_total", _outcome(status)).inc(times.number)
            if status < 400:
                metrics.histogram("descent_training_duration_seconds").observe_all(times)
        elif kind.counts == "prediction" and status == 200:
            metrics.histogram("descent_predict_latency_seconds").observe_all(times)


def line(
    kind: Kind, request_id: str, path: str, client: str | None, bytes_in: int, bytes_out: int, seconds: float
) -> Line:
    """What is told of a request with so many bytes, whose answer had so many and took so long."""
    return {
        "request_id": request_id,
        "method": kind.method,
        "path": path,
        "status": kind.status,
        "ms": int(1e6 * seconds) / 1000,
        "bytes_in": bytes_in,
        "bytes_out": bytes_out,
        "client": client,
    }


def request_id(given: str) -> str:
    """The client's own id of the request, if it can stand in a log, else a new one."""
    return given if given and ACCEPTED_ID.fullmatch(given) else f"{random.getrandbits(64):016x}"


def _outcome(status: int) -> str:
    if status < 400:
        return "published"
    return "rejected" if status < 500 else "failed"
