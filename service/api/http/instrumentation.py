"""Instrumentation of the requests that Flask answers: id, metrics, log line, and the end of the connection."""

import time
from collections.abc import Callable, Iterable, Iterator

from flask import Flask, Response, g, request, stream_with_context

from service.api.http import request_body
from service.api.http.context import services
from service.errors import DescentError
from service.observability.request_log import REQUEST_ID, Recorder, RequestLabels, line, request_id
from service.store.base import NAME

CLIENT_CLOSED_REQUEST = 499
"""The status, as in nginx, of a request whose client closed the connection before the end of the response."""


def register(app: Flask, recorder: Recorder) -> None:
    """Have `recorder` count and log every request of `app`."""

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
        if response.is_streamed and not response.direct_passthrough:  # as a static file is
            response.response = stream_with_context(_observed(response.iter_encoded(), response.status_code, _record))
            g.is_streamed = True
            response.call_on_close(lambda: recorder.in_progress.add(-1))
        else:
            _record(response.status_code, response.content_length or 0)
        return response

    def _record(status: int, size: int) -> None:
        endpoint, seconds = g.get("endpoint"), time.perf_counter() - g.started
        route = request.url_rule.rule if request.url_rule else "none"
        labels = RequestLabels(route, request.method, status, endpoint.counted_as if endpoint else None)
        received = request.content_length or 0
        recorder.count(labels, [seconds])
        recorder.log([line(labels, g.request_id, request.path, _model(), request.remote_addr, received, size, seconds)])

    @app.teardown_request
    def _leave(_: BaseException | None) -> None:
        """End a request that is not streamed. Flask tears a streamed one down twice."""
        if not g.get("is_streamed"):
            recorder.in_progress.add(-1)


def _model() -> str | None:
    """Return the model that the path names, or the query on routes with such an option."""
    name = (request.view_args or {}).get("model")
    endpoint = g.get("endpoint")
    query = endpoint and endpoint.query_schema
    if name is None and query and "model" in query.fields:
        name = request.args.get("model", query.fields["model"].load_default)
    return name if name and NAME.fullmatch(name) else None


def _observed(pieces: Iterable[bytes], status: int, record: Callable[[int, int], None]) -> Iterator[bytes]:
    """Yield `pieces` of a response and record it before its last byte leaves.

    An error is recorded by its own status and raised, which ends the connection, because the head has been sent.
    """
    size = 0
    try:
        for piece in pieces:
            size += len(piece)
            yield piece
    except GeneratorExit:
        status = CLIENT_CLOSED_REQUEST
        raise
    except BaseException as error:
        status = error.status if isinstance(error, DescentError) else 500
        raise
    finally:
        record(status, size)
