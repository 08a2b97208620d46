"""A WSGI app that reads the body and does nothing with it: the bound of what a server lets an app answer."""

from collections.abc import Callable, Iterable
from typing import Any

ANSWER = b'{"model": "default", "version": 1, "y": [2.047614754447838]}'
HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(ANSWER)))]


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Sixty bytes, whatever is asked."""
    environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    start_response("200 OK", HEADERS)
    return (ANSWER,)
