"""Connections of the service's own worker, and what is sent on them past gunicorn's response."""

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

from service.fastpath import http_head, predict

MOST_BYTES = http_head.MOST_BYTES + predict.MOST_BYTES
MOST_DRAINED = 1 << 16


class Connection(TConn):  # type: ignore[misc]
    """A connection, with what was received of its next request. Its graceful end is left to `linger`."""

    def __init__(
        self, cfg: Config, connected: socket.socket, client: Any, server: Any, linger: "Callable[[Connection], None]"
    ) -> None:
        super().__init__(cfg, connected, client, server)
        self._linger = linger
        self.queue: deque[Connection] | None = None
        """gunicorn's queue in which it waits for its next request; None while one is being read."""
        self.received = b""
        self.began = 0.0
        self._drained = 0

    @property
    def address(self) -> str:
        """Who is at the other end."""
        return str(self.client[0] if isinstance(self.client, tuple) else self.client)

    def receive(self, space: memoryview) -> bytes | None:
        """What has come, by way of `space`; nothing at the end or after a reset, None if it was a false alarm."""
        try:
            count = self.sock.recv_into(space)
        except BlockingIOError:
            return None
        except OSError:
            return b""
        return bytes(space[:count])

    def receive_no_more(self) -> None:
        """Let what has come be all that comes."""
        with contextlib.suppress(OSError):  # it is gone
            self.sock.shutdown(socket.SHUT_RD)

    def take_pipelined(self) -> bytes:
        """What gunicorn's parser has read past the last request."""
        return self.parser.unreader.take_buffered() if self.parser else b""

    def replay_into_parser(self) -> None:
        """Let gunicorn's parser read what was received."""
        self.init()
        self.parser.unreader.unread(self.received)
        self.received = b""

    def send(self, data: bytes) -> int | None:
        """How much of `data` the socket takes now; None from one that is gone."""
        try:
            sent: int = self.sock.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            return None
        return sent

    def send_all(self, data: bytes, *, keeps_alive: bool) -> bool:
        """Send `data` however long it takes, in a thread; then gunicorn is told whether the connection stays."""
        self.init()
        self.sock.settimeout(None)
        self.sock.sendall(data)
        return keeps_alive

    def has_ended(self, space: memoryview) -> bool:
        """Whether the client, which has its last answer, has closed, or sends so much that it does not deserve it."""
        data = self.receive(space)
        self._drained += len(data or b"")
        return data == b"" or self._drained > MOST_DRAINED

    def close(self, graceful: bool = False) -> None:  # noqa: FBT001, FBT002 - as gunicorn calls it
        """gunicorn would wait for the client to close where all other connections are waited for."""
        if graceful:
            self._linger(self)
        else:
            super().close()


class Responses:
    """The bytes of the quick way's replies."""

    def __init__(self) -> None:
        self._second = 0
        self._first_lines = b""

    def of(self, reply: predict.Reply, *, keeps_alive: bool) -> bytes:
        """A reply with its head, as gunicorn would write it."""
        second = int(time.time())
        if second != self._second:
            date = formatdate(second, usegmt=True)
            self._first_lines = f"HTTP/1.1 200 OK\r\nServer: {SERVER}\r\nDate: {date}\r\n".encode()
            self._second = second
        connection = "keep-alive" if keeps_alive else "close"
        fields = "".join(f"{name}: {value}\r\n" for name, value in reply.headers)
        return b"".join((self._first_lines, f"Connection: {connection}\r\n{fields}\r\n".encode("latin-1"), reply.body))
