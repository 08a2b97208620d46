"""A WSGI app that reads the body and returns a constant: the upper limit of requests per second of a server."""

from collections.abc import Callable, Iterable
from typing import Any

ANSWER = b'{"model": "default", "version": 1, "y": [2.047614754447838]}'
HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(ANSWER)))]


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Return the same sixty bytes for each request."""
    environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    start_response("200 OK", HEADERS)
    return (ANSWER,)
