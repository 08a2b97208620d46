"""Connections of the event loop, and the bytes of the fast path's responses."""

import contextlib
import socket
import time
from collections import deque
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

from gunicorn import SERVER
from gunicorn.config import Config
from gunicorn.workers.gthread import TConn

from service.fastpath.interface import Response
from service.server.worker.http_head import ParsedHead

MAX_DRAINED_BYTES = 1 << 16


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
        self.is_passed_on = False
        """Whether another process has the connection too."""
        self._drained = 0

    @property
    def address(self) -> str:
        """The client's IP address, or the path of its UNIX socket."""
        return str(self.client[0] if isinstance(self.client, tuple) else self.client)

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

    def receive_no_more(self) -> None:
        """End the request at the bytes that have been received."""
        with contextlib.suppress(OSError):  # the client has left
            self.sock.shutdown(socket.SHUT_RD)

    def take_pipelined(self) -> bytes:
        """Return the bytes that gunicorn's parser has read of the next request."""
        return self.parser.unreader.take_buffered() if self.parser else b""

    def replay_into_parser(self) -> None:
        """Give the received bytes to gunicorn's parser."""
        self.init()
        self.parser.unreader.unread(self.received)
        self.forget_request()

    def forget_request(self) -> None:
        """Prepare for the next request."""
        self.received = b""
        self.parsed = None

    def send(self, data: bytes) -> int | None:
        """Return the number of bytes that the socket accepts now; None if the client has left."""
        try:
            sent: int = self.sock.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            return None
        return sent

    def send_all(self, data: bytes, *, keep_alive: bool) -> bool:
        """Send all bytes in a thread, and return to gunicorn whether the connection stays open."""
        self.init()
        self.sock.settimeout(None)
        self.sock.sendall(data)
        return keep_alive

    def has_ended(self, buffer: memoryview) -> bool:
        """Return whether the client has closed the connection after its last response, or still sends too much."""
        data = self.receive(buffer)
        self._drained += len(data or b"")
        return data == b"" or self._drained > MAX_DRAINED_BYTES

    def close(self, graceful: bool = False) -> None:  # noqa: FBT001, FBT002 - as gunicorn calls it
        """Close at once or gracefully; gunicorn would block the event loop until the client closes."""
        if graceful and not self.is_passed_on:
            self._linger(self)
        else:
            super().close()


class ResponseEncoder:
    """Encodes responses as gunicorn does."""

    def __init__(self) -> None:
        self._second = 0
        self._first_lines = b""

    def encode(self, response: Response, *, keep_alive: bool) -> bytes:
        """Return the bytes of a response."""
        second = int(time.time())
        if second != self._second:
            date = formatdate(second, usegmt=True)
            self._first_lines = f"HTTP/1.1 200 OK\r\nServer: {SERVER}\r\nDate: {date}\r\n".encode()
            self._second = second
        connection = "keep-alive" if keep_alive else "close"
        fields = "".join(f"{name}: {value}\r\n" for name, value in response.headers)
        head = f"Connection: {connection}\r\n{fields}\r\n".encode("latin-1")
        return b"".join((self._first_lines, head, response.body))
