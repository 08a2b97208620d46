"""Batches requests that arrive together on different connections. A batch costs little more than one request."""

import contextlib
from typing import Any, NamedTuple

from service.fastpath.interface import FastPath, Response, RouteMatch
from service.server.worker.connection import Connection, ResponseEncoder

MAX_BATCH = 16
"""Requests in a batch; with more, the first one would wait for too long."""
MAX_UNLOGGED = 64
"""Requests that were answered and are not logged yet."""


class PendingResponse(NamedTuple):
    """A connection that waits for a response."""

    connection: Connection
    pending: Any
    keep_alive: bool


class Batcher:
    """The batch of one worker. Exceptions of the fast path are logged to `log`, and leave requests to the slow path."""

    def __init__(self, fast_path: FastPath, log: Any) -> None:
        self._fast_path = fast_path
        self._log = log
        self._batch: list[PendingResponse] = []
        self._unlogged = 0
        self._encoder = ResponseEncoder()

    def submit(self, connection: Connection, match: RouteMatch, body: bytes, *, keep_alive: bool) -> bool:
        """Add a request to the batch; return False if the slow path has to answer it."""
        try:
            pending = self._fast_path.prepare(match, connection.address, body, connection.started)
        except Exception:  # noqa: BLE001 - an exception would end the worker and all its connections
            self._log.exception("the fast path cannot prepare a request")
            return False
        if pending is None:
            return False
        self._batch.append(PendingResponse(connection, pending, keep_alive))
        return True

    @property
    def is_full(self) -> bool:
        """Whether the batch has reached its largest size."""
        return len(self._batch) >= MAX_BATCH

    @property
    def has_unlogged(self) -> bool:
        """Whether answered requests are to be logged."""
        return self._unlogged > 0

    def flush(self) -> list[tuple[PendingResponse, bytes | None]]:
        """Answer the batch; return the bytes of each response, or None where the slow path has to answer."""
        batch, self._batch = self._batch, []
        if not batch:
            return []
        if self._unlogged + len(batch) > MAX_UNLOGGED:
            self.flush_log()
        responses = self._execute([each.pending for each in batch])
        self._unlogged += len(responses) - responses.count(None)
        return [
            (each, response and self._encoder.encode(response, keep_alive=each.keep_alive))
            for each, response in zip(batch, responses, strict=True)
        ]

    def flush_log_if_idle(self) -> None:
        """Log the answered requests if no others wait."""
        if not self._batch:
            self.flush_log()

    def flush_log(self) -> None:
        """Log the answered requests."""
        if not self._unlogged:
            return
        self._unlogged = 0
        try:
            self._fast_path.flush_log()
        except Exception:  # noqa: BLE001 - as above
            with contextlib.suppress(Exception):  # the log may be unable to take this message either
                self._log.exception("requests cannot be logged")

    def _execute(self, batch: list[Any]) -> list[Response | None]:
        try:
            return self._fast_path.execute(batch)
        except Exception:  # noqa: BLE001 - as above
            self._log.exception("the fast path cannot answer a batch")
            return [None] * len(batch)
