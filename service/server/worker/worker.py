"""gunicorn's gthread worker with an event loop that answers requests of the fast path without a thread.

A thread costs a small prediction more than its computation: two switches of the interpreter, and gunicorn's parser. So
the event loop receives the head of each request, and its body if that is short. It answers requests of the fast path in
batches. It submits all others to threads with the bytes that were read, as gthread does, and passes long requests on to
the worker for long requests.
"""

import contextlib
import os
import socket
import sys
import time
from concurrent.futures import Future
from typing import Any

from service.server.worker.acceptor import PausingWorker
from service.server.worker.connection import Connection
from service.server.worker.dispatcher import Dispatcher

SWITCH_INTERVAL = 0.0005
"""Seconds after which a computing thread yields the interpreter to the event loop. Python's default of 5 ms would delay
each request by as much."""
NOTIFY_INTERVAL = 0.5
"""Seconds between the notifications that gunicorn requires once in `timeout` seconds. Each is a system call."""


class Worker(Dispatcher):
    """The worker class for gunicorn's configuration."""

    wsgi: Any
    _notified = 0.0

    def run(self) -> None:
        """Serve until gunicorn stops the worker."""
        cfg, fast_path = self.cfg, getattr(self.wsgi, "fast_path", None)
        is_wrapped = cfg.is_ssl or cfg.proxy_protocol != "off" or cfg.http2_cleartext != "off"
        if fast_path is None or is_wrapped or os.environ.get("SCRIPT_NAME"):
            # gunicorn's gthread receives all requests from here on. The worker for long requests gets none and idles.
            self.__class__ = PausingWorker
            self.run()
            return
        self._set_up(fast_path)
        sys.setswitchinterval(SWITCH_INTERVAL)
        try:
            super().run()
        finally:
            self._batcher.flush_log()

    def notify(self) -> None:
        """Notify gunicorn that the worker lives, unless it was notified just now."""
        now = time.monotonic()
        if now - self._notified >= NOTIFY_INTERVAL:
            self._notified = now
            super().notify()

    def on_client_socket_readable(self, conn: Connection, _client: socket.socket) -> None:
        """Read from a connection."""
        self._receive(conn)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Handle the events of one poll, and answer the requests that came with them as a batch."""
        super().wait_for_and_dispatch_events(0 if self._batcher.unlogged else timeout)
        self._batcher.flush_log_if_idle()
        self._flush()

    def murder_pending(self) -> None:
        """Close overdue connections. gunicorn calls this after each poll, at least once a second."""
        super().murder_pending()
        now = time.monotonic()
        for connection in self._read_deadlines.pop_overdue(now):
            with contextlib.suppress(OSError):  # the client has left
                connection.sock.shutdown(socket.SHUT_RD)  # the thread that answers the request must not wait either
            self.poller.unregister(connection.sock)
            self._submit_to_pool(connection)
        for connection in self._lingering.pop_overdue(now):
            self._drop(connection)

    def finish_request(self, conn: Connection, fs: Future[bool]) -> None:
        """Close or keep a connection after a response of the slow path, and receive a pipelined request."""
        self._upload_limiter.end(conn)
        pipelined = conn.parser.unreader.take_buffered() if conn.parser else b""
        super().finish_request(conn, fs)
        if pipelined and self.keepalived_conns and self.keepalived_conns[-1] is conn:
            self._receive(conn, pipelined)

    def _cap_keepalive(self, deadline: float) -> None:
        """Close connections without a request by `deadline` when the worker stops, new ones too."""
        super()._cap_keepalive(deadline)
        for connection in self.pending_conns:
            connection.timeout = min(connection.timeout, deadline)
