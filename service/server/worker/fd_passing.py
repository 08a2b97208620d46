"""Passes connections with long requests to a worker for long requests, over UNIX sockets.

Predictions then share no interpreter with a training on many rows. The worker for long requests listens on a socket in
the folder of metrics. The other workers send it a connection with the bytes that they have read. While it accepts none,
its socket has another name, and the other workers serve long requests themselves.
"""

import contextlib
import os
import socket
from pathlib import Path
from typing import NamedTuple

MAX_MESSAGE_BYTES = (1 << 18) + 4096
"""The most bytes of a request that are passed on. A socket's default send buffer holds one such message."""
PEER_TIMEOUT = 1.0
"""Seconds that a connected worker may take to send its message."""


class PassedConnection(NamedTuple):
    """A connection from another worker, the addresses of both ends, and the bytes that were read of its request."""

    sock: socket.socket
    client: object
    server: object
    received: bytes


class LongWorkerRegistry:
    """The sockets of the workers for long requests, in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
        self._short = Path(f"/proc/self/fd/{descriptor}")  # the path of a socket has at most 107 bytes

    def pass_on(self, sock: socket.socket, received: bytes) -> bool:
        """Send a connection and the bytes read to a worker; False if none accepts it or no file can be opened."""
        if len(received) > MAX_MESSAGE_BYTES:
            return False
        with contextlib.suppress(OSError):
            return any(_send(self._short / path.name, sock, received) for path in self._folder.glob("*.open"))
        return False

    def create(self, number: int) -> "LongWorkerSocket":
        """Return a socket that is closed to other workers."""
        return LongWorkerSocket(self._short / f"{number}.closed", self._short / f"{number}.open")


class LongWorkerSocket:
    """The socket of a worker for long requests."""

    def __init__(self, closed: Path, open_: Path) -> None:
        self._closed, self._open = closed, open_
        for path in (closed, open_):  # of a worker that was killed
            path.unlink(missing_ok=True)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(str(closed))
        self.listener.listen()

    def publish(self) -> None:
        """Let other workers connect."""
        self._rename(self._closed, self._open)

    def withdraw(self) -> None:
        """Let no more workers connect; connections in the backlog can still be accepted."""
        self._rename(self._open, self._closed)

    @staticmethod
    def _rename(source: Path, target: Path) -> None:
        with contextlib.suppress(FileNotFoundError):  # the folder was cleaned up: nobody connects any more
            source.rename(target)

    def accept(self) -> PassedConnection | None:
        """Return the next connection, if any. Raises OSError while this process may open no more files."""
        while True:
            # Accept a worker only if one more file can be opened for its connection, which would be lost otherwise.
            reserved = os.dup(self.listener.fileno())
            try:
                peer, _ = self.listener.accept()
            except BlockingIOError:
                return None
            finally:
                os.close(reserved)
            with peer:
                peer.settimeout(PEER_TIMEOUT)
                passed = _receive(peer)
            if passed is not None:
                return passed


def _send(path: Path, sock: socket.socket, received: bytes) -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MAX_MESSAGE_BYTES)
        peer.settimeout(0)
        peer.connect(str(path))
        socket.send_fds(peer, [received], [sock.fileno()])
        return True
    return False


def _receive(peer: socket.socket) -> PassedConnection | None:
    """Return the connection that a worker sends; None if the worker or the client has left."""
    with contextlib.suppress(OSError):
        received, descriptors, _, _ = socket.recv_fds(peer, MAX_MESSAGE_BYTES, 1)
        if descriptors:
            sock = socket.socket(fileno=descriptors[0])
            try:
                return PassedConnection(sock, sock.getpeername(), sock.getsockname(), received)
            except OSError:
                sock.close()
    return None
