"""Accepts connections: from clients, or for long requests from other workers."""

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
"""Seconds for which a worker with connections leaves a new one to idle workers. The kernel prefers none of them, so
clients that keep their connections would all be served by one worker."""
CONNECTIONS_PER_ACCEPT = 16
"""A worker accepts one more connection at a time for each 16 that it has, or the last of many would wait for long."""
MAX_LATE = 2
"""Connections that other workers may still pass on while this one stops accepting."""
FIRST_REQUEST_TIMEOUT = 5.0
"""The least seconds that a new connection may take to send its first request."""
ACCEPT_BACKOFF = 0.5
"""Seconds without accepting after no more files could be opened: a selector would return at once."""
EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Acceptor(ThreadWorker):  # type: ignore[misc]
    """gunicorn's gthread worker with a policy of its own for accepting connections."""

    is_long_request_worker = False
    """Whether the worker serves long requests only. Set before the fork."""
    sockets: list[Any]
    _long_workers: LongWorkerRegistry | None = None
    _long_worker_socket: LongWorkerSocket | None = None
    _backoff_until = 0.0
    _reads_requests = False
    """Whether the event loop reads requests. False without a fast path, and with TLS or another protocol around HTTP:
    then the worker behaves as gthread."""

    def join_long_workers(self, folder: Path, number: int) -> None:
        """Pass long requests on by the sockets in `folder`, or accept them from a socket with this number."""
        registry = LongWorkerRegistry(folder)
        if not self.is_long_request_worker:
            self._long_workers = registry
            return
        for listener in self.sockets:  # the other workers accept its clients
            listener.close()
        self._long_worker_socket = registry.create(number)
        self.sockets = [self._long_worker_socket.listener]
        self.worker_connections = self.cfg.threads
        self.max_keepalived = 0  # the client's next request may be a short one

    def get_thread_pool(self) -> ThreadPoolExecutor:
        """Return the threads of the slow path."""
        if self._long_worker_socket is None:
            return ThreadPoolExecutor(self.cfg.threads)
        return ThreadPoolExecutor(self.cfg.threads + MAX_LATE, initializer=lower_priority)

    def set_accept_enabled(self, enabled: bool) -> None:  # noqa: FBT001 - as gunicorn calls it
        """Start or stop accepting, and publish or withdraw the socket for long requests."""
        if enabled and time.monotonic() < self._backoff_until:
            return
        super().set_accept_enabled(enabled)
        if self._long_worker_socket is None:
            return
        if enabled:
            self._long_worker_socket.publish()
            return
        self._long_worker_socket.withdraw()
        with contextlib.suppress(OSError):  # accepted later if no more files can be opened now
            while self._accept_passed(self._long_worker_socket):
                pass

    def accept(self, listener: socket.socket) -> None:
        """Accept new connections; pause if no more files can be opened."""
        try:
            self._accept(listener)
        except OSError as error:
            if error.errno not in EXHAUSTED:
                raise
            self.log.warning("no more connections can be accepted now: %s", error.strerror)
            self._backoff_until = time.monotonic() + ACCEPT_BACKOFF
            self.set_accept_enabled(False)

    def is_parent_alive(self) -> bool:
        """Return whether gunicorn's master lives. Without it, release the port and announce the end of connections."""
        if super().is_parent_alive():
            return True
        self.alive = False  # every response says that the connection closes
        self.set_accept_enabled(False)
        for listener in self.sockets:
            listener.close()
        return False

    def _accept(self, listener: socket.socket) -> None:
        if self._long_worker_socket is not None:
            self._accept_passed(self._long_worker_socket)
            return
        if not self._reads_requests:
            super().accept(listener)
            return
        if self.nr_conns and self.cfg.workers > 1:
            time.sleep(ACCEPT_DELAY)
        for _ in range(min(1 + self.nr_conns // CONNECTIONS_PER_ACCEPT, self.worker_connections - self.nr_conns)):
            try:
                self._await_first_request(*listener.accept(), listener.getsockname())
            except (BlockingIOError, ConnectionAbortedError):
                return

    def _accept_passed(self, listener: LongWorkerSocket) -> bool:
        """Serve a connection from another worker in a thread; return False if there is none."""
        passed = listener.accept()
        if passed is None:
            return False
        connection = Connection(self.cfg, passed.sock, passed.client, passed.server, self._close_lingering)
        connection.received = passed.received
        self.nr_conns += 1
        self._submit_to_pool(connection)
        return True

    def _await_first_request(self, sock: socket.socket, client: Any, server: Any) -> None:
        """Wait for a connection's first request without a thread."""
        connection = Connection(self.cfg, sock, client, server, self._close_lingering)
        connection.timeout = time.monotonic() + max(self.cfg.keepalive, FIRST_REQUEST_TIMEOUT)
        self.nr_conns += 1
        self.pending_conns.append(connection)
        connection.queue = self.pending_conns
        self.poller.register(sock, EVENT_READ, partial(self.on_pending_socket_readable, connection))

    def _submit_to_pool(self, connection: Connection) -> None:
        """Have a thread of the slow path serve a request."""
        connection.replay_into_parser()
        connection.queue = self.keepalived_conns  # the queue in which gunicorn puts it after the response
        self.enqueue_req(connection)

    def _close_lingering(self, connection: Connection) -> None:
        """Close a connection after its client has closed it."""
        raise NotImplementedError
