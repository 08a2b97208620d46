"""WSGI middleware that answers on the fast path under any server."""

import io
import re
import time
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from service.fastpath.interface import FastPath, RequestHead

_LENGTH = re.compile("[0-9]{1,18}")
_UNUSUAL = frozenset({"HTTP_TRANSFER_ENCODING", "HTTP_CONTENT_ENCODING"})


class FastPathMiddleware:
    """A WSGI app that answers on the fast path where possible, and else calls `app`."""

    def __init__(self, app: WSGIApplication, fast_path: FastPath) -> None:
        self._app = app
        self._fast_path = fast_path

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Respond to a request."""
        started = time.perf_counter()
        head = head_of(environ)
        match = self._fast_path.match(head)
        body = _read_body(environ, head.body_length) if match and head.body_length else None
        if match is None or body is None:
            return self._app(environ, start_response)
        match = match._replace(request_id=environ.get("HTTP_X_REQUEST_ID", ""))
        pending = self._fast_path.prepare(match, environ.get("REMOTE_ADDR"), body, started)
        [response] = [None] if pending is None else self._fast_path.execute([pending])
        if response is None:
            return self._app(environ, start_response)
        self._fast_path.flush_log()
        start_response("200 OK", response.headers)
        return [response.body]


def head_of(environ: WSGIEnvironment) -> RequestHead:
    """Return the head of a request from its WSGI variables."""
    length = environ.get("CONTENT_LENGTH", "")
    return RequestHead(
        method=environ["REQUEST_METHOD"],
        path=environ["PATH_INFO"],
        query=environ.get("QUERY_STRING", ""),
        host=environ.get("HTTP_HOST", "localhost"),
        media_type=environ.get("CONTENT_TYPE", ""),
        accept=environ.get("HTTP_ACCEPT", "*/*"),
        accepts_encoding="HTTP_ACCEPT_ENCODING" in environ,
        body_length=int(length) if _LENGTH.fullmatch(length) else None,
        is_plain=_UNUSUAL.isdisjoint(environ),
    )


def _read_body(environ: WSGIEnvironment, length: int) -> bytes | None:
    """Return the body, and keep it for the app; None if it is broken or incomplete, which the app reports."""
    try:
        body: bytes = environ["wsgi.input"].read(length)
    except Exception as error:  # noqa: BLE001 - servers have exceptions of their own; the app meets it again
        environ["wsgi.input"] = _BrokenStream(error)
        return None
    environ["wsgi.input"] = io.BytesIO(body)
    return body if len(body) == length else None


class _BrokenStream:
    """A stream that raises the error of its first read again, instead of waiting for the client once more."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def read(self, _size: int = -1) -> bytes:
        raise self._error
