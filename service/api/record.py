"""What is told of every answered request, whichever way it was answered: its metrics, and its line in the log."""

import logging
import random
import re
from typing import Literal, NamedTuple

from service import logs
from service.metrics import Metrics

REQUEST_ID = "X-Request-ID"
ACCEPTED_ID = re.compile(r"[\w.:/+=@-]{1,128}", re.ASCII)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Methods are labels, and clients can make them up."""

Counted = Literal["training", "prediction"]

log = logging.getLogger("descent.requests")


class Answered(NamedTuple):
    """An answered request: its id, what was asked and by whom, the route's pattern and what its calls count as, and how
    it was answered, after how long."""

    request_id: str
    method: str
    path: str
    client: str | None
    bytes_in: int
    route: str
    counts: Counted | None
    status: int
    bytes_out: int
    seconds: float


class Recorder:
    """Counts and times requests; logs those that take at least `log_slower_than` seconds or fail."""

    def __init__(self, metrics: Metrics, log_slower_than: float) -> None:
        self._metrics = metrics
        self._log_slower_than = log_slower_than
        self.in_progress = metrics.gauge("descent_http_requests_in_progress")

    def record(self, answered: Answered) -> None:
        """Tell of a request, before its last byte leaves."""
        self._observe(answered)
        if answered.seconds >= self._log_slower_than or answered.status >= 500:
            _log(answered)

    def _observe(self, answered: Answered) -> None:
        metrics, status, seconds = self._metrics, answered.status, answered.seconds
        method = answered.method if answered.method in METHODS else "other"
        metrics.histogram("descent_http_request_duration_seconds", answered.route, method, str(status)).observe(seconds)
        if answered.counts == "training":
            metrics.counter("descent_trainings_total", _outcome(status)).inc()
            if status < 400:
                metrics.histogram("descent_training_duration_seconds").observe(seconds)
        elif answered.counts == "prediction" and status == 200:
            metrics.histogram("descent_predict_latency_seconds").observe(seconds)


def request_id(given: str) -> str:
    """The client's own id of the request, if it can stand in a log, else a new one."""
    return given if given and ACCEPTED_ID.fullmatch(given) else f"{random.getrandbits(64):016x}"


def _outcome(status: int) -> str:
    if status < 400:
        return "published"
    return "rejected" if status < 500 else "failed"


def _log(answered: Answered) -> None:
    level = logging.INFO if answered.status < 500 else logging.ERROR
    if not log.isEnabledFor(level):
        return
    facts = {
        "request_id": answered.request_id,
        "method": answered.method,
        "path": answered.path,
        "status": answered.status,
        "ms": round(1000 * answered.seconds, 3),
        "bytes_in": answered.bytes_in,
        "bytes_out": answered.bytes_out,
        "client": answered.client,
    }
    log.handle(logs.RequestRecord(log.name, level, facts))
