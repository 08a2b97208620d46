"""A WSGI app that reads the body and returns 60 bytes: the upper limit of requests a second for a server."""

from collections.abc import Callable, Iterable
from typing import Any

BODY = b'{"model": "default", "version": 1, "y": [2.047614754447838]}'
HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))]


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Return the same body for each request."""
    environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    start_response("200 OK", HEADERS)
    return (BODY,)
