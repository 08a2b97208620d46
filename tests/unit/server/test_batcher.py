"""Calls that come at the same time, and the lines that wait to be logged."""

import logging

import pytest

from service.fastpath import predict
from service.fastpath.predict import BatchResult, Reply
from service.server.worker.batcher import MAX_BATCH, MAX_UNLOGGED, Batcher


class Connection:
    address = "me"
    began = 0.0


class PredictFastPath:
    """Answers with the body, but for what has none."""

    def __init__(self):
        self.logged = []

    def read(self, _call, _client, body, _started):
        return body or None

    def answer(self, together):
        return BatchResult([Reply([], body) for body in together], [{"body": body} for body in together])

    def log(self, lines):
        self.logged.append([line["body"] for line in lines])


@pytest.fixture
def quick_way():
    return PredictFastPath()


@pytest.fixture
def together(quick_way):
    return Batcher(quick_way, logging.getLogger("there"))


CALL = predict.RouteMatch(predict.RequestLabels("/predict", "POST", 200, "prediction"), "/predict", "default")


def ask(together, body=b"1"):
    return together.ask(Connection(), CALL, body, keeps_alive=True)


def test_nobody_waits_for_what_cannot_be_read(together):
    assert not ask(together, b"")
    assert together.answers() == []
    assert not together.has_unlogged


def test_each_is_answered_once(together):
    assert ask(together, b"1")
    assert ask(together, b"2")
    assert [data.rpartition(b"\r\n")[2] for _, data in together.answers()] == [b"1", b"2"]
    assert together.answers() == []


def test_is_full_at_a_bound(together):
    for _ in range(MAX_BATCH - 1):
        ask(together)
    assert not together.is_full
    ask(together)
    assert together.is_full


def test_lines_wait_while_calls_do(together, quick_way):
    ask(together, b"1")
    together.answers()
    assert together.has_unlogged
    ask(together, b"2")
    together.log_if_idle()
    assert not quick_way.logged
    together.answers()
    together.log_if_idle()
    assert quick_way.logged == [[b"1", b"2"]]
    assert not together.has_unlogged
    together.log()
    assert len(quick_way.logged) == 1


def test_no_more_lines_wait_than_a_bound(together, quick_way):
    for _ in range(MAX_UNLOGGED):
        ask(together)
        together.answers()
    assert not quick_way.logged
    for count in (5, MAX_BATCH):
        for _ in range(count):
            ask(together)
        together.answers()
    assert [len(lines) for lines in quick_way.logged] == [MAX_UNLOGGED]
    together.log()
    assert [len(lines) for lines in quick_way.logged] == [MAX_UNLOGGED, 5 + MAX_BATCH]


def test_a_log_that_fails_stops_nobody(together, quick_way, monkeypatch, caplog):
    monkeypatch.setattr(quick_way, "log", lambda _: 1 / 0)
    ask(together)
    together.answers()
    together.log()
    assert "ZeroDivisionError" in caplog.text
    monkeypatch.setattr(together, "_log", None)  # cannot take that either
    ask(together)
    together.answers()
    together.log()
    assert not together.has_unlogged


def test_of_calls_that_were_given_back_nothing_is_logged(together, quick_way, monkeypatch, caplog):
    monkeypatch.setattr(quick_way, "answer", lambda _: 1 / 0)
    ask(together)
    [(_, data)] = together.answers()
    assert data is None
    assert not together.has_unlogged
    assert "ZeroDivisionError" in caplog.text
