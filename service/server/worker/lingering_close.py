"""Connections whose last answer is sent, until their clients close them: closing one earlier would cut its answer off
by what is still under way to it."""

import socket
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from selectors import EVENT_READ
from typing import Any

from service.server.worker.connection import Connection

LINGER = 2.0
"""Seconds that a client may take to close a connection whose last answer it has."""


class LingeringClose:
    """Those of one worker, which waits with its `poller`, lends `space` to receive into, and is told when one has
    `ended`."""

    def __init__(self, poller: Any, space: memoryview, ended: Callable[[], None]) -> None:
        self._poller = poller
        self._space = space
        self._ended = ended
        self._until: OrderedDict[Connection, float] = OrderedDict()

    def add(self, connection: Connection) -> bool:
        """Wait for the client to close; False, and closed, if the connection is gone, or the kernel watches no more."""
        try:
            connection.sock.shutdown(socket.SHUT_WR)
            connection.sock.settimeout(0)
            self._poller.register(connection.sock, EVENT_READ, partial(self._on_readable, connection))
        except OSError:
            connection.close()
            return False
        self._until[connection] = time.monotonic() + LINGER
        return True

    def end_overdue(self, now: float) -> None:
        """Close those that have waited long enough."""
        while self._until and next(iter(self._until.values())) <= now:
            self._end(next(iter(self._until)))

    def _on_readable(self, connection: Connection, _client: socket.socket) -> None:
        if connection.has_ended(self._space):
            self._end(connection)

    def _end(self, connection: Connection) -> None:
        del self._until[connection]
        self._poller.unregister(connection.sock)
        self._ended()
        connection.close()
