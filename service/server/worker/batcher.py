"""Calls of the quick way that came at the same time, on different connections: answered at once, and logged when
nothing else is to be done. Both cost little more for many than for one."""

import contextlib
from typing import Any, NamedTuple

from service.fastpath import predict
from service.observability.request_log import RequestLogRecord
from service.server.worker.connection import Connection, Responses

MAX_BATCH = 16
"""Calls that are answered together; more would only make the first one wait."""
MAX_UNLOGGED = 64
"""BatchResult calls whose lines may wait to be written."""


class PendingResponse(NamedTuple):
    """A connection that waits for the answer to what it asked."""

    connection: Connection
    asked: predict.PendingPrediction
    keeps_alive: bool


class Batcher:
    """The calls of one worker, for whom `quick_way` has the answers; `log` takes the bugs that it may have, since a
    thread can tell one client of them, and the worker serves all."""

    def __init__(self, quick_way: predict.PredictFastPath, log: Any) -> None:
        self._quick_way = quick_way
        self._log = log
        self._waiting: list[PendingResponse] = []
        self._unlogged: list[RequestLogRecord] = []
        self._responses = Responses()

    def ask(self, connection: Connection, call: predict.RouteMatch, body: bytes, *, keeps_alive: bool) -> bool:
        """Take a connection's call among those that wait; False if a thread has to find an answer."""
        try:
            asked = self._quick_way.read(call, connection.address, body, connection.began)
        except Exception:  # noqa: BLE001 - see the class
            self._log.exception("the quick way cannot read a request")
            return False
        if asked is None:
            return False
        self._waiting.append(PendingResponse(connection, asked, keeps_alive))
        return True

    @property
    def is_full(self) -> bool:
        """Whether no more should wait for each other."""
        return len(self._waiting) >= MAX_BATCH

    @property
    def has_unlogged(self) -> bool:
        """Whether something is still to be logged."""
        return bool(self._unlogged)

    def answers(self) -> list[tuple[PendingResponse, bytes | None]]:
        """The bytes to send to each that waited, which are counted by now; None where a thread has to find them."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return []
        replies, lines = self._answered([each.asked for each in waiting])
        if len(self._unlogged) + len(lines) > MAX_UNLOGGED:
            self.log()
        self._unlogged += lines
        return [
            (each, reply and self._responses.of(reply, keeps_alive=each.keeps_alive))
            for each, reply in zip(waiting, replies, strict=True)
        ]

    def log_if_idle(self) -> None:
        """Log what was answered, if nothing waits now."""
        if not self._waiting:
            self.log()

    def log(self) -> None:
        """Log what was answered."""
        lines, self._unlogged = self._unlogged, []
        if not lines:
            return
        try:
            self._quick_way.log(lines)
        except Exception:  # noqa: BLE001 - as above
            with contextlib.suppress(Exception):  # a log that fails may fail to take this
                self._log.exception("requests cannot be logged")

    def _answered(self, together: list[predict.PendingPrediction]) -> predict.BatchResult:
        try:
            return self._quick_way.answer(together)
        except Exception:  # noqa: BLE001 - as above
            self._log.exception("the quick way cannot answer")
            return predict.BatchResult([None] * len(together), [])
