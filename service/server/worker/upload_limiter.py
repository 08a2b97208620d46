"""Limits the threads that receive incomplete requests, so that slow clients do not hold all threads."""

from collections import deque
from collections.abc import Callable

from service.server.worker.connection import Connection


class UploadLimiter:
    """Uploads of one worker. At most `limit` have a thread, which `start` gives them; the others wait in order."""

    def __init__(self, limit: int, start: Callable[[Connection], None]) -> None:
        self._limit = limit
        self._start = start
        self._running: set[Connection] = set()
        self._waiting: deque[Connection] = deque()

    def begin(self, connection: Connection) -> None:
        """Start an upload, now or when another ends."""
        if len(self._running) < self._limit:
            self._running.add(connection)
            self._start(connection)
        else:
            self._waiting.append(connection)

    def end(self, connection: Connection) -> None:
        """Start the next upload if the connection was one."""
        if connection in self._running:
            self._running.remove(connection)
            if self._waiting:
                self.begin(self._waiting.popleft())
