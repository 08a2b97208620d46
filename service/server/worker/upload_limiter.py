"""Requests that a thread has to receive, because they are long or unusual: clients that send slowly must not have all
threads."""

import re
from collections import deque
from collections.abc import Callable

from service.fastpath.http_head import END
from service.server.worker.connection import Connection

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*(?=\r\n)")
_COME_LATER = re.compile(rb"\r\n(?:transfer-encoding|expect):")


def is_complete(received: bytes) -> bool:
    """Whether all of a request has been received, as far as its head tells."""
    end = received.find(END)
    head = received[: end + 2].lower()
    if end < 0 or _COME_LATER.search(head):
        return False
    return len(received) >= end + len(END) + max(map(int, _LENGTH.findall(head)), default=0)


class UploadLimiter:
    """Those of one worker. So many at a time have a thread, which `start` gives them; the others wait for one."""

    def __init__(self, most: int, start: Callable[[Connection], None]) -> None:
        self._most = most
        self._start = start
        self._with_threads: set[Connection] = set()
        self._waiting: deque[Connection] = deque()

    def begin(self, connection: Connection) -> None:
        """Have a thread receive a request, now or later."""
        if len(self._with_threads) < self._most:
            self._with_threads.add(connection)
            self._start(connection)
        else:
            self._waiting.append(connection)

    def end(self, connection: Connection) -> None:
        """Give the thread of a request that has been answered, if it was one of these, to the next."""
        if connection in self._with_threads:
            self._with_threads.remove(connection)
            if self._waiting:
                self.begin(self._waiting.popleft())
