"""Error responses of gunicorn itself, for requests that never reach the app, in the form of all other errors."""

import socket

from gunicorn import util

from service.api.http import problems
from service.formats import json


def write_problem(sock: socket.socket, status: int, reason: str, message: str) -> None:
    """Send a problem document for a request that cannot be parsed, in place of gunicorn's HTML page."""
    slug = reason.lower().replace(" ", "-")
    body = json.encode(problems.make_problem(int(status), slug, reason, message or reason))
    head = (
        f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: {problems.MEDIA_TYPE}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    util.write_nonblock(sock, head.encode("latin1") + body)
