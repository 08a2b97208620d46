"""What happens around every request that Flask answers: its id, what is told of it, and how its connection ends."""

import time
from collections.abc import Callable, Iterable, Iterator

from flask import Flask, Response, g, request, stream_with_context

from service.api.http import problems, request_body
from service.api.http.context import services
from service.errors import DescentError
from service.observability.request_log import REQUEST_ID, Recorder, RequestLabels, line, request_id
from service.store.base import NAME

HUNG_UP = 499
"""The status, as nginx has it, of a request whose client did not wait for the end of its answer."""


def register(app: Flask, recorder: Recorder) -> None:
    """Name every request of `app`, and let `recorder` tell of it."""

    @app.before_request
    def _begin() -> None:
        g.started = time.perf_counter()
        g.request_id = request_id(request.headers.get(REQUEST_ID, ""))
        recorder.in_progress.add(1)

    @app.after_request
    def _end(response: Response) -> Response:
        response.headers[REQUEST_ID] = g.request_id
        if request_body.is_unread():
            services().body_adapter.close_after_response(request.environ)
        if response.is_streamed and not response.direct_passthrough:  # which an installed file is
            response.response = stream_with_context(_observed(response.iter_encoded(), response.status_code, _record))
            g.is_streamed = True
            response.call_on_close(lambda: recorder.in_progress.add(-1))
        else:
            _record(response.status_code, response.content_length or 0)
        return response

    def _record(status: int, size: int) -> None:
        kind, seconds = _kind(status), time.perf_counter() - g.started
        asked = request.content_length or 0
        recorder.count(kind, [seconds])
        recorder.log([line(kind, g.request_id, request.path, _model(), request.remote_addr, asked, size, seconds)])

    @app.teardown_request
    def _leave(_: BaseException | None) -> None:
        """A request ends here, but for one whose answer is streamed: that comes by twice."""
        if not g.get("is_streamed"):
            recorder.in_progress.add(-1)


def _kind(status: int) -> RequestLabels:
    operation = g.get("operation")
    route = request.url_rule.rule if request.url_rule else "none"
    return RequestLabels(route, request.method, status, operation.counts if operation else None)


def _model() -> str | None:
    """The model that the path names, or the query on routes that take it there; None where that names none."""
    named = (request.view_args or {}).get("model")
    operation = g.get("operation")
    if named is None and operation and "model" in operation.query.fields:
        named = request.args.get("model", operation.query.fields["model"].load_default)
    return named if named and NAME.fullmatch(named) else None


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
    except GeneratorExit:
        record(HUNG_UP, size)
        raise
    except BaseException:
        record(500, size)
        raise
    record(status, size)
