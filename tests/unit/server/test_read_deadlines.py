"""Deadlines of incomplete requests."""

import pytest

from service.server.worker import read_deadlines
from service.server.worker.read_deadlines import MAX_PAUSES, ReadDeadlines

PAUSE = 10


@pytest.fixture
def clock(monkeypatch):
    """The monotonic time, which the test sets."""
    now = [1000.0]
    monkeypatch.setattr(read_deadlines.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def requests(clock):
    return ReadDeadlines(PAUSE)


def test_a_request_is_overdue_after_a_pause(requests, clock):
    requests.touch("first")
    clock[0] += 1
    requests.touch("second")
    assert list(requests.pop_overdue(1000 + PAUSE - 1)) == []
    assert list(requests.pop_overdue(1000 + PAUSE)) == ["first"]
    assert list(requests.pop_overdue(1000 + PAUSE + 1)) == ["second"]
    assert not requests


def test_bytes_extend_the_deadline(requests, clock):
    requests.touch("first")
    requests.touch("second")
    clock[0] += PAUSE - 1
    requests.touch("first")
    assert list(requests.pop_overdue(1000 + PAUSE)) == ["second"]
    assert list(requests.pop_overdue(1000 + PAUSE + PAUSE - 1)) == ["first"]


def test_bytes_extend_the_deadline_up_to_an_end(requests, clock):
    ended = []
    while not ended:
        requests.touch("slow")
        clock[0] += 1
        ended = list(requests.pop_overdue(clock[0]))
    assert (MAX_PAUSES - 1) * PAUSE < clock[0] - 1000 <= MAX_PAUSES * PAUSE


def test_the_next_request_of_a_connection_has_a_deadline_of_its_own(requests, clock):
    for _ in range(3):
        requests.touch("client")
        clock[0] += (MAX_PAUSES - 1) * PAUSE - 1
        assert requests.pop("client")
    requests.touch("client")
    assert list(requests.pop_overdue(clock[0])) == []
