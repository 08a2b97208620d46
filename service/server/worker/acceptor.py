"""Accepts connections: from clients, or for long requests from other workers. Closes them when their clients do."""

import contextlib
import errno
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from selectors import EVENT_READ
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from service.server.worker.connection import Connection
from service.server.worker.cpu_priority import lower_priority
from service.server.worker.fd_passing import LongWorkerRegistry, LongWorkerSocket
from service.server.worker.read_deadlines import ReadDeadlines

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
LINGER = 2.0
"""Seconds that a client may take to close a connection after its last response."""
MAX_DRAINED_BYTES = 1 << 16
EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class PausingWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's gthread worker. Stops accepting while no more files can be opened, and after the end of its master."""

    _backoff_until = 0.0

    def set_accept_enabled(self, enabled: bool) -> None:  # noqa: FBT001 - as gunicorn calls it
        """Start or stop accepting, but do not start within a pause."""
        if not enabled or time.monotonic() >= self._backoff_until:
            super().set_accept_enabled(enabled)

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
        super().accept(listener)


class Acceptor(PausingWorker):
    """A worker with a policy of its own for accepting and closing connections."""

    is_long_request_worker = False
    """Whether the worker serves long requests only. Set before the fork."""
    sockets: list[Any]
    _long_workers: LongWorkerRegistry | None = None
    _long_worker_socket: LongWorkerSocket | None = None
    _buffer: memoryview
    """Receives the bytes of all connections."""
    _lingering: ReadDeadlines
    """Connections after their last response, until their clients close them."""

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
        super().set_accept_enabled(enabled)
        if self._long_worker_socket is None or enabled != self._accepting:  # the latter within a pause
            return
        if enabled:
            self._long_worker_socket.publish()
            return
        self._long_worker_socket.withdraw()
        with contextlib.suppress(OSError):  # accepted later if no more files can be opened now
            while self._accept_passed(self._long_worker_socket):
                pass

    def _accept(self, listener: socket.socket) -> None:
        if self._long_worker_socket is not None:
            self._accept_passed(self._long_worker_socket)
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
        self.poller.register(sock, EVENT_READ, partial(self.on_client_socket_readable, connection))

    def _submit_to_pool(self, connection: Connection) -> None:
        """Have a thread of the slow path serve a request."""
        connection.replay_into_parser()
        self._submit(connection, self.handle, connection)

    def _submit(self, connection: Connection, serve: Callable[..., bool], *arguments: Any) -> None:
        """Have a thread serve a connection; `serve` returns whether it stays open."""
        connection.queue = self.keepalived_conns  # in which gunicorn puts it after the response
        future = self.tpool.submit(serve, *arguments)
        future.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, connection, done))

    def _drop(self, connection: Connection, *, graceful: bool = False) -> None:
        self.poller.unregister(connection.sock)
        self.nr_conns -= 1
        connection.close(graceful=graceful)

    def _close_lingering(self, connection: Connection) -> None:
        """Close a connection after its client has closed it; at once if it has left or cannot be watched.

        An earlier close would reset the connection, and lose the last response, while the client still sends.
        """
        try:
            connection.sock.shutdown(socket.SHUT_WR)
            connection.sock.settimeout(0)
            self.poller.register(connection.sock, EVENT_READ, partial(self._drain, connection))
        except OSError:
            connection.close()
            return
        self.nr_conns += 1
        self._lingering.touch(connection)

    def _drain(self, connection: Connection, _sock: socket.socket) -> None:
        """Close a connection if its client has closed it after the last response, or still sends too much."""
        data = connection.receive(self._buffer)
        connection.drained += len(data or b"")
        if data == b"" or connection.drained > MAX_DRAINED_BYTES:
            del self._lingering[connection]
            self._drop(connection)
