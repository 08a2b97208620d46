"""Batches requests that arrive together on different connections. A batch costs little more than one request."""

import contextlib
from typing import Any

from service.fastpath.interface import FastPath, Response, RouteMatch
from service.server.worker.connection import Connection, encode

MAX_BATCH = 16
"""Requests in a batch; with more, the first one would wait for too long."""
MAX_UNLOGGED = 64
"""Requests that were answered and are not logged yet."""


class Batcher:
    """The batch of one worker. Exceptions of the fast path are logged to `log`, and leave requests to the slow path."""

    def __init__(self, fast_path: FastPath, log: Any) -> None:
        self._fast_path = fast_path
        self._log = log
        self._batch: list[tuple[Connection, Any]] = []
        self.unlogged = 0
        """The number of answered requests that are not logged yet."""

    def submit(self, connection: Connection, match: RouteMatch, body: bytes) -> bool:
        """Add a request to the batch; return False if the slow path has to answer it."""
        client = connection.client[0] if isinstance(connection.client, tuple) else connection.client
        try:
            pending = self._fast_path.prepare(match, str(client), body, connection.started)
        except Exception:  # noqa: BLE001 - an exception would end the worker and all its connections
            self._log.exception("the fast path cannot prepare a request")
            return False
        if pending is None:
            return False
        self._batch.append((connection, pending))
        return True

    @property
    def is_full(self) -> bool:
        """Whether the batch has reached its largest size."""
        return len(self._batch) >= MAX_BATCH

    def flush(self) -> list[tuple[Connection, bytes | None]]:
        """Answer the batch; return the bytes of each response, or None where the slow path has to answer."""
        batch, self._batch = self._batch, []
        if not batch:
            return []
        if self.unlogged + len(batch) > MAX_UNLOGGED:
            self.flush_log()
        responses: list[Response | None] = [None] * len(batch)
        try:
            responses = self._fast_path.execute([pending for _, pending in batch])
        except Exception:  # noqa: BLE001 - as above
            self._log.exception("the fast path cannot answer a batch")
        self.unlogged += len(responses) - responses.count(None)
        return [
            (connection, response and encode(response, keep_alive=connection.keep_alive))
            for (connection, _), response in zip(batch, responses, strict=True)
        ]

    def flush_log_if_idle(self) -> None:
        """Log the answered requests if no others wait."""
        if not self._batch:
            self.flush_log()

    def flush_log(self) -> None:
        """Log the answered requests."""
        if not self.unlogged:
            return
        self.unlogged = 0
        try:
            self._fast_path.flush_log()
        except Exception:  # noqa: BLE001 - as above
            with contextlib.suppress(Exception):  # the log may be unable to take this message either
                self._log.exception("requests cannot be logged")
