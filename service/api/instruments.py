"""What happens around every request: its id, its metrics, its line in the log, and how its connection ends."""

import logging
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Response, g, request, stream_with_context

from service.api import bodies, problems
from service.errors import DescentError
from service.logs import FACTS
from service.metrics import Metrics

START_RESPONSE = "descent.start_response"
REQUEST_ID = "X-Request-ID"
ACCEPTED_ID = re.compile(r"[\w.:/+=@-]{1,128}", re.ASCII)

log = logging.getLogger("descent.requests")


def register(app: Flask, metrics: Metrics, log_slower_than: float) -> None:
    """Count, time and name every request of `app`; log those that take at least `log_slower_than` seconds or fail."""
    in_progress = metrics.gauges["descent_http_requests_in_progress"]
    app.wsgi_app = _remembering_start_response(app.wsgi_app)  # type: ignore[method-assign, assignment]

    @app.before_request
    def _begin() -> None:
        g.started = time.perf_counter()
        g.request_id = _request_id()
        in_progress.inc()

    @app.after_request
    def _end(response: Response) -> Response:
        response.headers[REQUEST_ID] = g.request_id
        if bodies.is_unread():
            _close_afterwards(response)
        if response.is_streamed and not response.direct_passthrough:  # which an installed file is
            response.response = stream_with_context(_observed(response.iter_encoded(), response.status_code, _record))
        else:
            _record(response.status_code, response.content_length or 0)
        return response

    def _record(status: int, size: int) -> None:
        seconds = time.perf_counter() - g.started
        _observe(metrics, status, seconds)
        if seconds >= log_slower_than or status >= 500:
            _log(status, seconds, size)

    @app.teardown_request
    def _leave(_: BaseException | None) -> None:
        in_progress.dec()


def _request_id() -> str:
    """The client's own id of the request, if it can stand in a log, else a new one."""
    given = request.headers.get(REQUEST_ID, "")
    return given if ACCEPTED_ID.fullmatch(given) else secrets.token_hex(8)


def _observed(pieces: Iterable[bytes], status: int, record: Callable[[int, int], None]) -> Iterator[bytes]:
    """`pieces` of a response. It is recorded before its last byte leaves, or as what broke it off: its head is gone
    by then, so the connection ends."""
    size = 0
    try:
        for piece in pieces:
            size += len(piece)
            yield piece
    except DescentError as error:
        record(problems.STATUSES[type(error)], size)
        raise
    except BaseException:
        record(500, size)
        raise
    record(status, size)


def _log(status: int, seconds: float, size: int) -> None:
    facts = {
        "request_id": g.request_id,
        "method": request.method,
        "path": request.path,
        "status": status,
        "ms": round(1000 * seconds, 3),
        "bytes_in": request.content_length or 0,
        "bytes_out": size,
        "client": request.remote_addr,
    }
    level = logging.INFO if status < 500 else logging.ERROR
    log.log(level, "request", extra={FACTS: facts})


def _close_afterwards(response: Response) -> None:
    """Say that the connection ends with this answer, and let it. gunicorn ignores the header and goes by its own
    response object, which is what `start_response` is bound to."""
    response.headers["Connection"] = "close"
    server_response = getattr(request.environ[START_RESPONSE], "__self__", None)
    if server_response is not None and hasattr(server_response, "force_close"):
        server_response.force_close()


def _observe(metrics: Metrics, status: int, seconds: float) -> None:
    route = request.url_rule.rule if request.url_rule else "none"
    durations = metrics.histograms["descent_http_request_duration_seconds"]
    durations.labels(route, _known_method(), str(status)).observe(seconds)
    operation = g.get("operation")
    if operation is None:
        return
    if operation.counts == "training":
        metrics.counters["descent_trainings_total"].labels(_outcome(status)).inc()
        if status < 400:
            metrics.histograms["descent_training_duration_seconds"].observe(seconds)
    elif operation.counts == "prediction" and status == 200:
        metrics.histograms["descent_predict_latency_seconds"].observe(seconds)


def _known_method() -> str:
    """Methods are labels, and clients can make them up."""
    return request.method if request.method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} else "other"


def _outcome(status: int) -> str:
    if status < 400:
        return "published"
    return "rejected" if status < 500 else "failed"


def _remembering_start_response(wsgi_app: WSGIApplication) -> WSGIApplication:
    def remember(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ[START_RESPONSE] = start_response
        return wsgi_app(environ, start_response)

    return remember
