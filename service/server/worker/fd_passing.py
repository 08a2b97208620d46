"""Connections with long requests are handed over to a worker of their own, so that no prediction shares an interpreter,
or the attention of a core, with a training on many rows.

That worker has a door: a socket in the folder of metrics, by the number of its slot, through which the others send it a
connection and what they have read of it. While it takes no more, and when there is none, they find no door, and serve
the request themselves.
"""

import contextlib
import os
import re
import socket
import sys
from pathlib import Path
from typing import NamedTuple

from service.fastpath import http_head
from service.server.worker.connection import MOST_BYTES

IS_POSSIBLE = sys.platform == "linux"
"""Elsewhere sockets of this kind, or priorities of threads, are missing."""
TAKE_SECONDS = 1.0
"""How long a worker that has knocked may take to hand over."""

_LENGTH = re.compile(rb"\r\ncontent-length:[\t ]*[0-9]{7}", re.IGNORECASE)
_UNKNOWN_LENGTH = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_HELD_AS_A_WHOLE = re.compile(rb"\r\ncontent-type:[\t ]*application/json", re.IGNORECASE)


def is_long(received: bytes) -> bool:
    """Whether a request that begins so has a body of a million bytes or more, or one of unknown length that is read as
    it comes. It is no more than a guess, and costs nothing but time if it is wrong."""
    head = received[: http_head.size(received)]
    if _LENGTH.search(head):
        return True
    return _UNKNOWN_LENGTH.search(head) is not None and _HELD_AS_A_WHOLE.search(head) is None


class PassedConnection(NamedTuple):
    """A connection that was handed over, the addresses of both ends, and what has been read of its request."""

    connected: socket.socket
    client: object
    server: object
    received: bytes


class LongWorkerRegistry:
    """The doors in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
        self._short = Path(f"/proc/self/fd/{descriptor}")  # a socket's path may have 107 bytes, and a folder's more

    def hand_over(self, connected: socket.socket, received: bytes) -> bool:
        """Send a connection, and what has been read of it, through an open door; False if there is none, or none can be
        found now, as when this process may open no more files."""
        if len(received) > MOST_BYTES:
            return False
        with contextlib.suppress(OSError):
            return any(_send(self._short / path.name, connected, received) for path in self._folder.glob("*.door"))
        return False

    def make(self, number: int) -> "LongWorkerSocket":
        """A door, closed."""
        (self._folder / f"{number}.door").unlink(missing_ok=True)  # of somebody who was killed
        return LongWorkerSocket(self._short / f"{number}.closed", self._short / f"{number}.door")


class LongWorkerSocket:
    """The door of the worker that takes long requests."""

    def __init__(self, closed: Path, opened: Path) -> None:
        self._closed, self._opened = closed, opened
        closed.unlink(missing_ok=True)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(str(closed))
        self.listener.listen()

    def open(self) -> None:
        """Let others find it."""
        self._move(self._closed, self._opened)

    def shut(self) -> None:
        """Let no others find it; those that have can still be taken."""
        self._move(self._opened, self._closed)

    @staticmethod
    def _move(here: Path, there: Path) -> None:
        with contextlib.suppress(FileNotFoundError):  # somebody cleans up temporary folders: it is found no more
            here.rename(there)

    def take(self) -> PassedConnection | None:
        """The next connection that was handed over, if any was, past whoever knocked and is gone. Raises OSError while
        this process may open no more files; it can be taken later."""
        while True:
            try:
                knocking = self._let_in()
            except BlockingIOError:  # nobody knocks
                return None
            with knocking:
                knocking.settimeout(TAKE_SECONDS)
                handed = _received(knocking)
            if handed is not None:
                return handed

    def _let_in(self) -> socket.socket:
        """Whoever knocks, if a file can be opened for what they bring as well: it would be lost."""
        room = os.dup(self.listener.fileno())
        try:
            knocking, _ = self.listener.accept()
        finally:
            os.close(room)
        return knocking


def _send(door: Path, connected: socket.socket, received: bytes) -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as knocking:
        knocking.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MOST_BYTES)
        knocking.settimeout(0)
        knocking.connect(str(door))
        socket.send_fds(knocking, [received], [connected.fileno()])
        return True
    return False


def _received(knocking: socket.socket) -> PassedConnection | None:
    """What comes through; None if whoever knocked is gone, or the client."""
    with contextlib.suppress(OSError):
        received, descriptors, _, _ = socket.recv_fds(knocking, MOST_BYTES, 1)
        if descriptors:
            connected = socket.socket(fileno=descriptors[0])
            try:
                return PassedConnection(connected, connected.getpeername(), connected.getsockname(), received)
            except OSError:
                connected.close()
    return None
