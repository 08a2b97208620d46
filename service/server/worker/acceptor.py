"""How the worker comes by its connections: from clients, or from the workers that hand long requests over to it."""

import contextlib
import errno
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from selectors import EVENT_READ
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from service.server.worker.connection import Connection
from service.server.worker.cpu_priority import lower_priority
from service.server.worker.fd_passing import LongWorkerRegistry, LongWorkerSocket

ACCEPT_DELAY = 0.0001
"""Seconds for which a worker that has connections leaves a new one to a worker that has none: the kernel lets whichever
comes first have it, and clients that keep theirs would all be one worker's."""
CONNECTIONS_PER_ACCEPTED = 16
"""A worker takes one more connection at a time for so many that it has; or many would wait long for their turn."""
MOST_LATE = 2
"""Connections that may still come through a door when it is shut, because no more were to be taken."""
FIRST_REQUEST = 5.0
"""Seconds that a new connection may take to its first request, at least."""
ACCEPT_BACKOFF = 0.5
"""Seconds for which a worker takes none when no more files can be opened, and its poller would not wait."""
EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Acceptor(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threaded worker, with a part of its own in who takes which connection."""

    is_long_request_worker = False
    """Whether it is the one that takes long requests, and nothing else; decided before the fork."""
    sockets: list[Any]
    _long_workers: LongWorkerRegistry | None = None
    _long_worker_socket: LongWorkerSocket | None = None
    _rests_until = 0.0
    _sees_plain_bytes = False
    """Whether what comes on a connection is what its client means: no TLS, and no other protocol around it."""

    def join_long_workers(self, folder: Path, number: int) -> None:
        """Hand long requests over through a door in `folder`, or take them through one with this number."""
        doors = LongWorkerRegistry(folder)
        if not self.is_long_request_worker:
            self._long_workers = doors
            return
        for listener in self.sockets:  # others take what comes there
            listener.close()
        self._long_worker_socket = doors.make(number)
        self.sockets = [self._long_worker_socket.listener]
        self.worker_connections = self.cfg.threads
        self.max_keepalived = 0  # the next request of its client may be a short one

    def get_thread_pool(self) -> ThreadPoolExecutor:
        """Threads for what the quick way does not answer."""
        if self._long_worker_socket is None:
            return ThreadPoolExecutor(self.cfg.threads)
        return ThreadPoolExecutor(self.cfg.threads + MOST_LATE, initializer=lower_priority)

    def set_accept_enabled(self, enabled: bool) -> None:  # noqa: FBT001 - as gunicorn calls it
        """Take connections, or none; the door is open as long as some are taken. gunicorn asks before it waits."""
        if enabled and time.monotonic() < self._rests_until:
            return
        super().set_accept_enabled(enabled)
        if self._long_worker_socket is None:
            return
        if enabled:
            self._long_worker_socket.open()
            return
        self._long_worker_socket.shut()
        with contextlib.suppress(OSError):  # the next time, if no more files can be opened now
            while self._take(self._long_worker_socket):
                pass

    def accept(self, listener: socket.socket) -> None:
        """Take what has come, if files can be opened for it; those that have one are served in any case."""
        try:
            self._accept(listener)
        except OSError as error:
            if error.errno not in EXHAUSTED:
                raise
            self.log.warning("no more connections can be taken now: %s", error.strerror)
            self._rests_until = time.monotonic() + ACCEPT_BACKOFF
            self.set_accept_enabled(False)

    def _accept(self, listener: socket.socket) -> None:
        """Take a new connection, and wait for its first request without a thread."""
        if self._long_worker_socket is not None:
            self._take(self._long_worker_socket)
            return
        if not self._sees_plain_bytes:
            super().accept(listener)
            return
        if self.nr_conns and self.cfg.workers > 1:
            time.sleep(ACCEPT_DELAY)
        for _ in range(min(1 + self.nr_conns // CONNECTIONS_PER_ACCEPTED, self.worker_connections - self.nr_conns)):
            try:
                self._await_first_request(*listener.accept(), listener.getsockname())
            except (BlockingIOError, ConnectionAbortedError):
                return

    def _take(self, door: LongWorkerSocket) -> bool:
        """Answer what was handed over, in a thread; False if nothing was."""
        handed = door.take()
        if handed is None:
            return False
        connection = Connection(self.cfg, handed.connected, handed.client, handed.server, self._wait_for_end)
        connection.received = handed.received
        self.nr_conns += 1
        self._submit_to_pool(connection)
        return True

    def _await_first_request(self, connected: socket.socket, client: Any, server: Any) -> None:
        connection = Connection(self.cfg, connected, client, server, self._wait_for_end)
        connection.timeout = time.monotonic() + max(self.cfg.keepalive, FIRST_REQUEST)
        self.nr_conns += 1
        self.pending_conns.append(connection)
        connection.queue = self.pending_conns
        self.poller.register(connected, EVENT_READ, partial(self.on_pending_socket_readable, connection))

    def _submit_to_pool(self, connection: Connection) -> None:
        connection.replay_into_parser()
        connection.queue = self.keepalived_conns  # where gunicorn has it wait, if it does
        self.enqueue_req(connection)

    def _wait_for_end(self, connection: Connection) -> None:
        """Wait for a client to close a connection whose last answer it has."""
        raise NotImplementedError
