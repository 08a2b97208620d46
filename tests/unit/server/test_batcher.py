"""The batch of a worker, and the log of its requests."""

import logging

import pytest

from service.fastpath.interface import Response, RouteMatch
from service.server.worker.batcher import MAX_BATCH, MAX_UNLOGGED, Batcher


class Connection:
    client = ("me", 1)
    started = 0.0
    keep_alive = True


class FastPath:
    """Echoes bodies, and leaves empty ones to the slow path at once and b"0" afterwards."""

    def __init__(self):
        self.logged = []
        self._unlogged = []

    def prepare(self, match, client, body, started):
        return body or None

    def execute(self, batch):
        responses = [None if body == b"0" else Response([], body) for body in batch]
        self._unlogged += [response.body for response in responses if response]
        return responses

    def flush_log(self):
        self.logged.append(self._unlogged)
        self._unlogged = []


@pytest.fixture
def fast_path():
    return FastPath()


@pytest.fixture
def batcher(fast_path):
    return Batcher(fast_path, logging.getLogger("worker"))


def submit(batcher, body=b"1"):
    return batcher.submit(Connection(), RouteMatch("predict"), body)


def test_a_request_that_cannot_be_prepared_is_not_in_the_batch(batcher):
    assert not submit(batcher, b"")
    assert batcher.flush() == []
    assert not batcher.unlogged


def test_each_request_is_answered_once(batcher):
    assert submit(batcher, b"1")
    assert submit(batcher, b"2")
    assert [data.rpartition(b"\r\n")[2] for _, data in batcher.flush()] == [b"1", b"2"]
    assert batcher.flush() == []


def test_the_batch_is_full_at_its_largest_size(batcher):
    for _ in range(MAX_BATCH - 1):
        submit(batcher)
    assert not batcher.is_full
    submit(batcher)
    assert batcher.is_full


def test_the_log_waits_while_requests_do(batcher, fast_path):
    submit(batcher, b"1")
    batcher.flush()
    assert batcher.unlogged
    submit(batcher, b"2")
    batcher.flush_log_if_idle()
    assert not fast_path.logged
    batcher.flush()
    batcher.flush_log_if_idle()
    assert fast_path.logged == [[b"1", b"2"]]
    assert not batcher.unlogged
    batcher.flush_log()
    assert len(fast_path.logged) == 1


def test_no_more_requests_are_unlogged_than_the_limit(batcher, fast_path):
    for _ in range(MAX_UNLOGGED):
        submit(batcher)
        batcher.flush()
    assert not fast_path.logged
    for count in (5, MAX_BATCH):
        for _ in range(count):
            submit(batcher)
        batcher.flush()
    assert [len(lines) for lines in fast_path.logged] == [MAX_UNLOGGED]
    batcher.flush_log()
    assert [len(lines) for lines in fast_path.logged] == [MAX_UNLOGGED, 5 + MAX_BATCH]


def test_a_log_that_fails_ends_nothing(batcher, fast_path, monkeypatch, caplog):
    monkeypatch.setattr(fast_path, "flush_log", lambda: 1 / 0)
    submit(batcher)
    batcher.flush()
    batcher.flush_log()
    assert "ZeroDivisionError" in caplog.text
    monkeypatch.setattr(batcher, "_log", None)  # which cannot take the message either
    submit(batcher)
    batcher.flush()
    batcher.flush_log()
    assert not batcher.unlogged


def test_requests_that_are_left_to_the_slow_path_are_not_logged(batcher):
    submit(batcher, b"0")
    [(_, data)] = batcher.flush()
    assert data is None
    assert not batcher.unlogged


def test_an_exception_leaves_the_batch_to_the_slow_path(batcher, fast_path, monkeypatch, caplog):
    monkeypatch.setattr(fast_path, "execute", lambda _: 1 / 0)
    submit(batcher)
    [(_, data)] = batcher.flush()
    assert data is None
    assert not batcher.unlogged
    assert "ZeroDivisionError" in caplog.text
