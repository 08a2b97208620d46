"""gunicorn's threaded worker, which answers calls of the quick way where it waits for connections, without a thread.

A thread costs such a call more than its answer: two hand-overs of the interpreter, and the server's parser. So what
comes of a request is read as it comes, until its head is there, and its body if it is short; if it is plain and the
quick way answers it, that is sent at once. Everything else goes to a thread with the bytes that were read, as in
gunicorn; or, if it looks long, to the worker that is there for long requests.
"""

import os
import socket
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any
from wsgiref.types import WSGIApplication

from service.fastpath import match
from service.server.worker.acceptor import Acceptor
from service.server.worker.batcher import Batcher, PendingResponse
from service.server.worker.connection import MOST_BYTES, Connection
from service.server.worker.fd_passing import is_long
from service.server.worker.lingering_close import LingeringClose
from service.server.worker.read_deadlines import ReadDeadlines
from service.server.worker.upload_limiter import UploadLimiter, is_complete

SWITCH_SECONDS = 0.0005
"""How long a thread that computes keeps the interpreter from the loop each time that the loop lets it go: Python's 5 ms
would be 5 ms for each call that is answered."""
PULSE_SECONDS = 0.5
"""How often gunicorn is told that the worker lives, which is a system call, and asked for once in `timeout` seconds."""


class Worker(Acceptor):
    """The worker class for gunicorn's configuration."""

    client_timeout_seconds: float = 10
    """How long a client may pause within a request; the configuration has a setting for it."""
    build_app: Callable[[], WSGIApplication] | None = None
    """Builds the app in place of the one that gunicorn is configured to load."""
    wsgi: Any
    _told_alive = 0.0

    def load_wsgi(self) -> None:
        """Build the app, or have gunicorn load it."""
        if self.build_app is None:
            super().load_wsgi()
        else:
            self.wsgi = self.build_app()

    def run(self) -> None:
        """Serve until told to stop."""
        cfg = self.cfg
        self._sees_plain_bytes = not (
            cfg.is_ssl or cfg.proxy_protocol != "off" or cfg.http2_cleartext != "off" or os.environ.get("SCRIPT_NAME")
        )
        self._read_deadlines = ReadDeadlines(self.client_timeout_seconds)
        self._upload_limiter = UploadLimiter(max(1, cfg.threads - 1), self._submit_to_pool)
        self._batcher = Batcher(self.wsgi.fast_path, self.log)
        self._space = memoryview(bytearray(MOST_BYTES))  # getting it anew for each call would cost more than receiving
        self._lingering_close = LingeringClose(self.poller, self._space, self._has_ended)
        sys.setswitchinterval(SWITCH_SECONDS)
        try:
            super().run()
        finally:
            self._batcher.log()

    def notify(self) -> None:
        """Tell gunicorn that the worker lives, if it has not been told just now."""
        now = time.monotonic()
        if now - self._told_alive >= PULSE_SECONDS:
            self._told_alive = now
            super().notify()

    def on_pending_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        """A new connection has something to read."""
        if self._sees_plain_bytes:
            self._receive(conn)
        else:
            super().on_pending_socket_readable(conn, client)

    def on_client_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        """A connection that was kept alive has something to read."""
        if self._sees_plain_bytes:
            self._receive(conn)
        else:
            super().on_client_socket_readable(conn, client)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """What gunicorn does again and again; what comes at the same time is answered together."""
        super().wait_for_and_dispatch_events(0 if self._batcher.has_unlogged else timeout)
        self._batcher.log_if_idle()
        self._answer()

    def murder_pending(self) -> None:
        """What gunicorn does once a second or after any event: here, end what has waited long enough."""
        super().murder_pending()
        now = time.monotonic()
        for connection in self._read_deadlines.overdue(now):
            connection.receive_no_more()  # so that a thread, which tells of it, does not wait either
            self.poller.unregister(connection.sock)
            self._submit_to_pool(connection)
        self._lingering_close.end_overdue(now)

    def _wait_for_end(self, connection: Connection) -> None:
        if self._lingering_close.add(connection):
            self.nr_conns += 1

    def _has_ended(self) -> None:
        self.nr_conns -= 1

    def _cap_keepalive(self, deadline: float) -> None:
        """A stop waits no longer for connections without a request, whether they ever had one or not."""
        super()._cap_keepalive(deadline)
        for connection in self.pending_conns:
            connection.timeout = min(connection.timeout, deadline)

    def finish_request(self, conn: Connection, fs: Future[bool]) -> None:
        """What gunicorn does when a thread has answered; what was read of the next request by then has come as any."""
        self._upload_limiter.end(conn)
        ahead = conn.take_pipelined() if self._sees_plain_bytes else b""
        super().finish_request(conn, fs)
        stays = self.keepalived_conns and self.keepalived_conns[-1] is conn
        if ahead and stays:
            self._receive(conn, ahead)

    def _receive(self, connection: Connection, data: bytes | None = None) -> None:
        """Read what has come on a connection, unless it is `data`, and do with it what can be done without a thread.

        With its first byte a request takes it out of gunicorn's queue of those that wait for one and end in time.
        """
        if data is None:
            data = connection.receive(self._space)
            if data is None:
                return
        if connection.queue is not None:
            connection.queue.remove(connection)
            connection.queue = None
            connection.began = time.perf_counter()
        if not data and not connection.received:
            self._drop(connection)
            return
        connection.received += data
        head = match.parse_head(connection.received) if data else None
        if head and len(connection.received) < head.end <= MOST_BYTES:
            self._read_deadlines.touch(connection)
            return
        self._read_deadlines.pop(connection, None)
        if head is None or not self._try_batch(connection, head):
            self._dispatch(connection)
        elif self._batcher.is_full:
            self._answer()

    def _try_batch(self, connection: Connection, head: match.ParsedHead) -> bool:
        """Whether the quick way takes a request among those that it answers next."""
        stays = self.alive and self.cfg.keepalive and len(self.keepalived_conns) < self.max_keepalived
        if head.call is None or not stays or self.nr + 1 >= self.max_requests or len(connection.received) != head.end:
            return False
        body = connection.received[head.start :]
        return self._batcher.ask(connection, head.call, body, keeps_alive=head.keeps_alive)

    def _answer(self) -> None:
        """Answer what the quick way was asked since the last time."""
        for each, data in self._batcher.answers():
            if data is None:
                self._give_to_thread(each.connection)
            else:
                self.nr += 1
                each.connection.received = b""
                self._send(each, data)

    def _send(self, each: PendingResponse, data: bytes) -> None:
        connection = each.connection
        sent = connection.send(data)
        if sent is None:
            self._drop(connection)
        elif sent < len(data):
            self.poller.unregister(connection.sock)
            connection.queue = self.keepalived_conns
            future = self.tpool.submit(connection.send_all, data[sent:], keeps_alive=each.keeps_alive)
            future.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, connection, done))
        elif each.keeps_alive:
            connection.set_timeout()
            self.keepalived_conns.append(connection)
            connection.queue = self.keepalived_conns
        else:
            self._drop(connection, graceful=True)

    def _dispatch(self, connection: Connection) -> None:
        """Have a request answered by the worker that is there for such as it, or else by a thread."""
        doors = self._long_workers if self.alive and is_long(connection.received) else None
        if doors is not None and doors.hand_over(connection.sock, connection.received):
            self._drop(connection)
        else:
            self._give_to_thread(connection)

    def _give_to_thread(self, connection: Connection) -> None:
        """Have a thread answer; one is left for requests that are all there, such as those of health checks."""
        self.poller.unregister(connection.sock)
        if is_complete(connection.received):
            self._submit_to_pool(connection)
        else:
            self._upload_limiter.begin(connection)

    def _drop(self, connection: Connection, *, graceful: bool = False) -> None:
        self.poller.unregister(connection.sock)
        self.nr_conns -= 1
        connection.close(graceful=graceful)
