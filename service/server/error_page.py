"""What gunicorn answers by itself, to requests that never become one of the app's, in the form of all other errors."""

import socket
import struct

from gunicorn import util

from service.api.http import problems
from service.formats import json


def write_problem(sock: socket.socket, status: int, reason: str, message: str) -> None:
    """Answer a request that could not be parsed; instead of gunicorn's page of HTML."""
    slug = reason.lower().replace(" ", "-")
    body = json.encode(problems.of_kind(int(status), slug, reason, message or reason))
    head = (
        f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: {problems.MEDIA_TYPE}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    util.write_nonblock(sock, head.encode("latin1") + body)


def limit_waits(listener: socket.socket, seconds: int) -> None:
    """Let no connection accepted by `listener` hold a thread for longer without a byte read or written."""
    timeout = struct.pack("ll", seconds, 0)
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        listener.setsockopt(socket.SOL_SOCKET, option, timeout)
