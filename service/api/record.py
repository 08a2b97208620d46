"""What is told of every answered request, whichever way it was answered: its metrics, and its line in the log."""

import logging
import random
import re
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

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


class Kind(NamedTuple):
    """What requests that are observed together have in common."""

    route: str
    method: str
    status: int
    counts: Counted | None


class Recorder:
    """Counts and times requests; logs those that take at least `log_slower_than` seconds or fail."""

    def __init__(self, metrics: Metrics, log_slower_than: float) -> None:
        self._metrics = metrics
        self._log_slower_than = log_slower_than
        self.in_progress = metrics.gauge("descent_http_requests_in_progress")

    def record(self, *answered: Answered) -> None:
        """Tell of requests, before their last bytes leave. Of many, telling costs little more than of one."""
        for kind, seconds in _by_kind(answered).items():
            self._observe(kind, seconds)
        slow = [each for each in answered if each.seconds >= self._log_slower_than or each.status >= 500]
        if slow:
            _log(slow)

    def _observe(self, kind: Kind, seconds: Sequence[float]) -> None:
        metrics, status = self._metrics, kind.status
        route_labels = (kind.route, kind.method, str(status))
        metrics.histogram("descent_http_request_duration_seconds", *route_labels).observe_all(seconds)
        if kind.counts == "training":
            metrics.counter("descent_trainings_total", _outcome(status)).inc(len(seconds))
            if status < 400:
                metrics.histogram("descent_training_duration_seconds").observe_all(seconds)
        elif kind.counts == "prediction" and status == 200:
            metrics.histogram("descent_predict_latency_seconds").observe_all(seconds)


def _by_kind(answered: Sequence[Answered]) -> dict[Kind, list[float]]:
    """How long the requests of each kind took."""
    seconds: dict[Kind, list[float]] = {}
    for each in answered:
        method = each.method if each.method in METHODS else "other"
        seconds.setdefault(Kind(each.route, method, each.status, each.counts), []).append(each.seconds)
    return seconds


def request_id(given: str) -> str:
    """The client's own id of the request, if it can stand in a log, else a new one."""
    return given if given and ACCEPTED_ID.fullmatch(given) else f"{random.getrandbits(64):016x}"


def _outcome(status: int) -> str:
    if status < 400:
        return "published"
    return "rejected" if status < 500 else "failed"


def _log(answered: Sequence[Answered]) -> None:
    level = logging.INFO if max(each.status for each in answered) < 500 else logging.ERROR
    if log.isEnabledFor(level):
        log.handle(logs.RequestsRecord(log.name, level, [_facts(each) for each in answered]))


def _facts(answered: Answered) -> dict[str, Any]:
    """What a request's line tells."""
    return {
        "request_id": answered.request_id,
        "method": answered.method,
        "path": answered.path,
        "status": answered.status,
        "ms": round(1000 * answered.seconds, 3),
        "bytes_in": answered.bytes_in,
        "bytes_out": answered.bytes_out,
        "client": answered.client,
    }
