"""Requests of which a part has come. They wait for their rest without a thread: clients that never send it would soon
hold all of them."""

import time
from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple

from service.server.worker.connection import Connection

MOST_PAUSES = 6
"""A request that waits here is all there after so many of the longest pauses, or never: else a byte now and then would
hold its connection for ever. By default that is a minute; a quarter of a megabyte takes one at 4.4 KB a second."""


class Deadline(NamedTuple):
    """How long a request's next bytes are waited for, and how long what comes moves that on."""

    pause: float
    end: float


class ReadDeadlines(OrderedDict[Connection, Deadline]):
    """Those of one worker, the one that was heard of longest ago first; clients may pause for `pause` seconds."""

    def __init__(self, pause: float) -> None:
        super().__init__()
        self._pause = pause

    def touch(self, connection: Connection) -> None:
        """Wait for more of a request of which something has just come."""
        now = time.monotonic()
        end = self[connection].end if connection in self else now + (MOST_PAUSES - 1) * self._pause
        if now < end:
            self[connection] = Deadline(now + self._pause, end)
            self.move_to_end(connection)

    def overdue(self, now: float) -> Iterator[Connection]:
        """Those that have waited long enough, and wait no more."""
        while self and next(iter(self.values())).pause <= now:
            yield self.popitem(last=False)[0]
