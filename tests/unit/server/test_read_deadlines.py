"""How long the rest of a request is waited for."""

import pytest

from service.server.worker import read_deadlines
from service.server.worker.read_deadlines import MOST_PAUSES, ReadDeadlines

PAUSE = 10


@pytest.fixture
def clock(monkeypatch):
    """The time, to be set."""
    now = [1000.0]
    monkeypatch.setattr(read_deadlines.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def requests(clock):
    return ReadDeadlines(PAUSE)


def test_a_request_is_waited_for_as_long_as_its_client_may_pause(requests, clock):
    requests.touch("first")
    clock[0] += 1
    requests.touch("second")
    assert list(requests.overdue(1000 + PAUSE - 1)) == []
    assert list(requests.overdue(1000 + PAUSE)) == ["first"]
    assert list(requests.overdue(1000 + PAUSE + 1)) == ["second"]
    assert not requests


def test_what_comes_moves_the_end_of_the_wait_on(requests, clock):
    requests.touch("first")
    requests.touch("second")
    clock[0] += PAUSE - 1
    requests.touch("first")
    assert list(requests.overdue(1000 + PAUSE)) == ["second"]
    assert list(requests.overdue(1000 + PAUSE + PAUSE - 1)) == ["first"]


def test_a_byte_now_and_then_does_not_hold_a_connection_for_ever(requests, clock):
    ended = []
    while not ended:
        requests.touch("slow")
        clock[0] += 1
        ended = list(requests.overdue(clock[0]))
    assert (MOST_PAUSES - 1) * PAUSE < clock[0] - 1000 <= MOST_PAUSES * PAUSE


def test_the_next_request_of_a_connection_has_a_time_of_its_own(requests, clock):
    for _ in range(3):
        requests.touch("client")
        clock[0] += (MOST_PAUSES - 1) * PAUSE - 1
        assert requests.pop("client")
    requests.touch("client")
    assert list(requests.overdue(clock[0])) == []
