"""Connections of the event loop, and the bytes of the fast path's responses."""

import socket
import time
from collections import deque
from collections.abc import Callable
from email.utils import formatdate
from functools import lru_cache
from typing import Any

from gunicorn import SERVER
from gunicorn.config import Config
from gunicorn.workers.gthread import TConn

from service.fastpath.interface import Response
from service.server.worker.http_head import ParsedHead


class Connection(TConn):  # type: ignore[misc]
    """A connection, with the received part of its next request. `linger` closes it gracefully."""

    def __init__(
        self, cfg: Config, sock: socket.socket, client: Any, server: Any, linger: "Callable[[Connection], None]"
    ) -> None:
        super().__init__(cfg, sock, client, server)
        self._linger = linger
        self.queue: deque[Connection] | None = None
        """gunicorn's queue of connections that wait for a request; None while a request is received."""
        self.received = b""
        self.parsed: ParsedHead | None = None
        """The head of the request that is received; None until it is complete."""
        self.started = 0.0
        """The `time.perf_counter` of the request's first byte."""
        self.keep_alive = True
        """Whether the connection stays open after a response of the fast path."""
        self.is_passed_on = False
        """Whether another process has the connection too."""
        self.drained = 0
        """The number of bytes received after the last response."""

    @property
    def request_end(self) -> int | None:
        """The size of the request in bytes; None if it is not known."""
        if self.parsed is None or self.parsed.head.body_length is None or self.parsed.head.expects_continue:
            return None
        return self.parsed.size + self.parsed.head.body_length

    @property
    def is_complete(self) -> bool:
        """Whether the whole request has been received, so that a thread need not wait for it."""
        end = self.request_end
        return end is not None and len(self.received) >= end

    def receive(self, buffer: memoryview) -> bytes | None:
        """Return the available bytes, by way of `buffer`; b"" after the end or a reset, None if there are none now."""
        try:
            count = self.sock.recv_into(buffer)
        except BlockingIOError:
            return None
        except OSError:
            return b""
        return bytes(buffer[:count])

    def replay_into_parser(self) -> None:
        """Give the received bytes to gunicorn's parser."""
        self.init()
        self.parser.unreader.unread(self.received)
        self.forget_request()

    def forget_request(self) -> None:
        """Prepare for the next request."""
        self.received = b""
        self.parsed = None

    def send_all(self, data: bytes) -> bool:
        """Send all bytes in a thread, and return to gunicorn whether the connection stays open."""
        self.init()
        self.sock.settimeout(None)
        self.sock.sendall(data)
        return self.keep_alive

    def close(self, graceful: bool = False) -> None:  # noqa: FBT001, FBT002 - as gunicorn calls it
        """Close at once or gracefully; gunicorn would block the event loop until the client closes."""
        if graceful and not self.is_passed_on:
            self._linger(self)
        else:
            super().close()


def encode(response: Response, *, keep_alive: bool) -> bytes:
    """Return the bytes of a response, as gunicorn encodes it."""
    connection = "keep-alive" if keep_alive else "close"
    fields = "".join(f"{name}: {value}\r\n" for name, value in response.headers)
    head = f"Connection: {connection}\r\n{fields}\r\n".encode("latin-1")
    return b"".join((_first_lines(int(time.time())), head, response.body))


@lru_cache(maxsize=1)
def _first_lines(second: int) -> bytes:
    return f"HTTP/1.1 200 OK\r\nServer: {SERVER}\r\nDate: {formatdate(second, usegmt=True)}\r\n".encode()
