"""Deadlines of connections that the event loop reads from, so that slow clients hold no threads.

They belong to requests that are incomplete, and to connections that close once the client has seen the response.
"""

import time
from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple

from service.server.worker.connection import Connection

MAX_PAUSES = 6
"""A request has to be complete after this number of the longest pauses, by default a minute. A client that sends a
byte now and then would hold its connection for ever. A body of 256 KiB needs 4.4 KB a second."""


class Deadline(NamedTuple):
    """The time by which more bytes have to arrive, and the time up to which they extend it."""

    pause: float
    end: float


class ReadDeadlines(OrderedDict[Connection, Deadline]):
    """The deadlines of one worker's connections, the earliest first. A client may pause for `pause` seconds."""

    def __init__(self, pause: float) -> None:
        super().__init__()
        self._pause = pause

    def touch(self, connection: Connection) -> None:
        """Start or extend the deadline of a connection that has received a part of a request."""
        now = time.monotonic()
        end = self[connection].end if connection in self else now + (MAX_PAUSES - 1) * self._pause
        if now < end:
            self[connection] = Deadline(now + self._pause, end)
            self.move_to_end(connection)

    def pop_overdue(self, now: float) -> Iterator[Connection]:
        """Remove and yield the connections whose deadline has passed."""
        while self and next(iter(self.values())).pause <= now:
            yield self.popitem(last=False)[0]
