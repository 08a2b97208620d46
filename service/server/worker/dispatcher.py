"""Receives requests in the event loop, and dispatches each: to a batch, a thread, or the worker for long requests."""

import time

from service.fastpath.interface import FastPath
from service.server.worker import http_head
from service.server.worker.acceptor import LINGER, Acceptor
from service.server.worker.batcher import Batcher
from service.server.worker.connection import Connection
from service.server.worker.fd_passing import LongWorkerRegistry
from service.server.worker.http_head import HeadParser
from service.server.worker.long_requests import is_long, is_long_decompressed, is_measurable
from service.server.worker.read_deadlines import ReadDeadlines
from service.server.worker.upload_limiter import UploadLimiter


class Dispatcher(Acceptor):
    """The part of the worker that handles requests once a connection is accepted."""

    client_timeout_seconds: float = 10
    """Seconds that a client may pause within a request. Set before the fork."""

    def _set_up(self, fast_path: FastPath) -> None:
        self._head_parser = HeadParser(fast_path.match)
        self._max_received = max(http_head.MAX_HEAD_BYTES, http_head.MAX_PLAIN_BYTES + fast_path.max_body)
        self._buffer = memoryview(bytearray(self._max_received))  # allocating it anew would cost more than receiving
        self._read_deadlines = ReadDeadlines(self.client_timeout_seconds)
        self._upload_limiter = UploadLimiter(max(1, self.cfg.threads - 1), self._submit_to_pool)
        self._batcher = Batcher(fast_path, self.log)
        self._lingering = ReadDeadlines(LINGER)

    def _receive(self, connection: Connection, data: bytes | None = None) -> None:
        """Read what has arrived on a connection, unless it is `data`, and dispatch its request as soon as possible.

        The first byte of a request takes the connection out of gunicorn's queue, whose timeout is for idle ones.
        """
        if data is None:
            data = connection.receive(self._buffer[len(connection.received) :])
            if data is None:
                return
        if connection.queue is not None:
            connection.queue.remove(connection)
            connection.queue = None
            connection.started = time.perf_counter()
        if not data and not connection.received:
            self._drop(connection)
            return
        searched = max(0, len(connection.received) - len(http_head.END))
        connection.received += data
        if data and not self._is_ready(connection, searched):
            self._read_deadlines.touch(connection)
            return
        self._read_deadlines.pop(connection, None)
        if not self._try_batch(connection):
            self._dispatch(connection)
        elif self._batcher.is_full:
            self._flush()

    def _is_ready(self, connection: Connection, searched: int) -> bool:
        """Parse the head if its end has arrived, and return whether the event loop need receive no more.

        The first `searched` bytes do not hold the end of the head.
        """
        if connection.parsed is None:
            connection.parsed = self._head_parser.parse(connection.received, searched)
            if connection.parsed is None:
                return http_head.is_hopeless(connection.received)
        head, end = connection.parsed.head, connection.request_end
        if end is None or end > self._max_received or not (head.is_plain or is_measurable(head)):
            return True
        return len(connection.received) >= end

    def _try_batch(self, connection: Connection) -> bool:
        """Add a request to the batch; return False if the fast path does not answer it."""
        parsed = connection.parsed
        if parsed is None or parsed.match is None or len(connection.received) != connection.request_end:
            return False
        is_kept = self.alive and self.cfg.keepalive and len(self.keepalived_conns) < self.max_keepalived
        if not is_kept or self.nr + 1 >= self.max_requests:
            return False
        body = connection.received[parsed.size :]
        connection.keep_alive = parsed.head.keep_alive
        return self._batcher.submit(connection, parsed.match, body)

    def _flush(self) -> None:
        """Answer the batch."""
        for connection, data in self._batcher.flush():
            if data is None:
                self._dispatch_to_pool(connection)
            else:
                self.nr += 1
                connection.forget_request()
                self._send(connection, data)

    def _send(self, connection: Connection, data: bytes) -> None:
        try:
            sent = connection.sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:  # the client has left
            self._drop(connection)
            return
        if sent < len(data):
            self.poller.unregister(connection.sock)
            self._submit(connection, connection.send_all, data[sent:])
        elif connection.keep_alive:
            connection.set_timeout()
            self.keepalived_conns.append(connection)
            connection.queue = self.keepalived_conns
        else:
            self._drop(connection, graceful=True)

    def _dispatch(self, connection: Connection) -> None:
        """Pass a long request on to the worker for long requests; submit others to a thread."""
        if self._long_workers is not None and self.alive and connection.parsed is not None:
            head = connection.parsed.head
            if is_long(head) and self._long_workers.pass_on(connection.sock, connection.received):
                self._drop(connection)
                return
            if is_measurable(head) and connection.is_complete:
                self.poller.unregister(connection.sock)
                self._submit(connection, self._measure_and_handle, connection, self._long_workers)
                return
        self._dispatch_to_pool(connection)

    def _dispatch_to_pool(self, connection: Connection) -> None:
        """Submit a request to a thread. One thread is left for complete requests, such as those of health checks."""
        self.poller.unregister(connection.sock)
        if connection.is_complete:
            self._submit_to_pool(connection)
        else:
            self._upload_limiter.begin(connection)

    def _measure_and_handle(self, connection: Connection, long_workers: LongWorkerRegistry) -> bool:
        """Pass a compressed request on if it is long, and answer it otherwise. Runs in a thread."""
        parsed = connection.parsed
        if parsed and is_long_decompressed(parsed.head.content_encoding, connection.received[parsed.size :]):
            connection.is_passed_on = long_workers.pass_on(connection.sock, connection.received)
            if connection.is_passed_on:
                return False
        connection.replay_into_parser()
        return bool(self.handle(connection))
