"""Closes connections after their last response when their clients do.

An earlier close would reset the connection, and lose the response, while the client still sends.
"""

import socket
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from selectors import EVENT_READ
from typing import Any

from service.server.worker.connection import Connection

LINGER = 2.0
"""Seconds that a client may take to close a connection after its last response."""


class LingeringClose:
    """The connections of one worker that wait for their clients to close.

    `poller` watches them, `buffer` receives what they still send, and `on_end` is called after each.
    """

    def __init__(self, poller: Any, buffer: memoryview, on_end: Callable[[], None]) -> None:
        self._poller = poller
        self._buffer = buffer
        self._on_end = on_end
        self._deadlines: OrderedDict[Connection, float] = OrderedDict()

    def add(self, connection: Connection) -> bool:
        """Wait for a client to close. Close at once, and return False, if it has left or cannot be watched."""
        try:
            connection.sock.shutdown(socket.SHUT_WR)
            connection.sock.settimeout(0)
            self._poller.register(connection.sock, EVENT_READ, partial(self._on_readable, connection))
        except OSError:
            connection.close()
            return False
        self._deadlines[connection] = time.monotonic() + LINGER
        return True

    def end_overdue(self, now: float) -> None:
        """Close the connections that have waited for the longest time."""
        while self._deadlines and next(iter(self._deadlines.values())) <= now:
            self._end(next(iter(self._deadlines)))

    def _on_readable(self, connection: Connection, _sock: socket.socket) -> None:
        if connection.has_ended(self._buffer):
            self._end(connection)

    def _end(self, connection: Connection) -> None:
        del self._deadlines[connection]
        self._poller.unregister(connection.sock)
        self._on_end()
        connection.close()
