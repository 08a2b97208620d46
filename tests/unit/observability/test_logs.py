"""Lines of the log."""

import io
import json
import logging
import os
import sys
from itertools import pairwise
from select import PIPE_BUF

import pytest

from service.observability import logs


def record(*requests, level=logging.INFO):
    return logs.RequestsRecord("here", level, requests)


def test_a_line_is_json_with_its_facts():
    line = json.loads(logs.JsonFormatter().format(record({"status": 200})))
    assert {"level": "info", "logger": "here", "message": "request", "status": 200}.items() <= line.items()
    assert line["time"].endswith("Z")


def test_a_line_tells_of_names_that_are_no_unicode():
    line = logs.JsonFormatter().format(record({"path": "/models/\udcff"}))
    assert json.loads(line)["path"] == "/models/\udcff"


def test_lines_tell_of_names_that_are_no_unicode_together():
    lines = logs.JsonFormatter().format(record({"path": "/\udcff"}, {"path": "/b"})).split("\n")
    assert [json.loads(line)["path"] for line in lines] == ["/\udcff", "/b"]


def test_a_person_reads_the_facts_after_the_message():
    line = logs.PlainFormatter().format(record({"status": 500, "ms": 1.5}, level=logging.ERROR))
    assert line.endswith("error   request status=500 ms=1.5")


def test_requests_that_were_answered_together_have_a_line_each():
    lines = logs.JsonFormatter().format(record({"path": "/a"}, {"path": "/b\u2028"})).split("\n")
    assert [json.loads(line)["path"] for line in lines] == ["/a", "/b\u2028"]
    hostile = ['},{"', '"},{"', '\\"},{"', "},{", '{"', "\n"]
    lines = logs.JsonFormatter().format(record(*[{"path": path, "client": path} for path in hostile])).split("\n")
    assert [(line["path"], line["client"]) for line in map(json.loads, lines)] == [(path, path) for path in hostile]
    plain = logs.PlainFormatter().format(record({"path": "/a"}, {"path": "/b"}))
    assert [line.rpartition(" ")[2] for line in plain.split("\n")] == ["path=/a", "path=/b"]


def test_a_terminal_is_shown_control_characters_and_does_not_obey_them():
    line = logs.PlainFormatter().format(record({"path": "/a\n\x1b[2J\x9b2J\x7fü", "status": 404}))
    assert line.endswith("request path=/a\\n\\x1b[2J\\x9b2J\\x7fü status=404")
    try:
        raise ValueError("\x1b[2J\nso")  # noqa: TRY301 - to have its lines
    except ValueError:
        raised = logging.LogRecord("here", logging.ERROR, "", 0, "failed\r\nat %s", ("\x1b",), sys.exc_info())
    first, *rest = logs.PlainFormatter().format(raised).split("\n")
    assert first.endswith("error   failed\\r\\nat \\x1b")
    assert rest[-2:] == ["ValueError: \\x1b[2J", "so"]


class Pieces(io.BytesIO):
    """A stream that remembers what it was given at a time."""

    def __init__(self):
        super().__init__()
        self.pieces = []

    def write(self, data):
        self.pieces.append(data)
        return super().write(data)


def written(*requests):
    handler = logs.LineHandler(io.TextIOWrapper(stream := Pieces()))
    handler.setFormatter(logs.JsonFormatter())
    handler.handle(record(*requests))
    return stream.pieces


def test_lines_are_written_at_once_where_a_pipe_keeps_them_whole():
    [lines] = written(*[{"path": f"/{i}"} for i in range(16)])
    assert len(lines) < PIPE_BUF
    assert [json.loads(line)["path"] for line in lines.splitlines()] == [f"/{i}" for i in range(16)]


def test_no_line_is_torn_where_a_pipe_would_tear_them():
    paths = [f"/{i}" + "a" * (i % 7 * 100) for i in range(100)]
    pieces = written(*[{"path": path} for path in paths])
    assert [json.loads(line)["path"] for line in b"".join(pieces).splitlines()] == paths
    assert all(piece.endswith(b"}\n") and len(piece) <= PIPE_BUF for piece in pieces)
    assert all(len(one + following.partition(b"\n")[0]) + 1 > PIPE_BUF for one, following in pairwise(pieces))


def test_a_line_that_is_too_long_for_a_pipe_is_written_alone():
    paths = ["/a", "/" + "b" * PIPE_BUF, "/" + "c" * PIPE_BUF, "/d", "/e"]
    pieces = written(*[{"path": path} for path in paths])
    found = [[json.loads(line)["path"] for line in piece.splitlines()] for piece in pieces]
    assert found == [paths[:1], paths[1:2], paths[2:3], paths[3:]]


def test_lines_that_fill_a_pipes_bound_are_written_at_once():
    room = PIPE_BUF - len(written({"path": ""}, {"path": ""})[0])
    assert [len(piece) for piece in written({"path": "a" * room}, {"path": ""})] == [PIPE_BUF]
    assert len(written({"path": "a" * (room + 1)}, {"path": ""})) == 2


@pytest.fixture
def root(monkeypatch):
    """The root logger, with nobody else's handlers."""
    monkeypatch.setattr(logging.root, "handlers", [])
    return logging.root


@pytest.fixture
def logger():
    found = logging.getLogger("there")
    found.setLevel(logging.INFO)
    return found


def line_handler(stream):
    handler = logs.LineHandler(io.TextIOWrapper(stream))
    handler.setFormatter(logs.JsonFormatter())
    return handler


def test_requests_are_told_of_as_by_logging(root, logger):
    requests = [{"path": "/a", "ms": 1.5}, {"path": "/b", "ms": 0.1}]
    written = []
    for others in ([], [logging.NullHandler()]):
        root.handlers = [line_handler(stream := Pieces()), *others]
        logs.tell(logger, logging.ERROR, requests)
        written.append([json.loads(line) for line in stream.getvalue().splitlines()])
    told, logged = written
    assert [line.pop("time")[:10] for line in told] == [line.pop("time")[:10] for line in logged]
    assert told == logged
    common = {"level": "error", "logger": "there", "message": "request", "pid": os.getpid()}
    assert told == [common | request for request in requests]


def test_handlers_of_others_get_a_record(root, logger, caplog):
    root.handlers = [caplog.handler]
    logs.tell(logger, logging.INFO, [{"path": "/a"}])
    [found] = caplog.records
    assert (found.name, found.levelname, found.getMessage()) == ("there", "INFO", "request")
    assert found.requests == [{"path": "/a"}]


def test_requests_below_the_level_are_not_told_of(root, logger):
    root.handlers = [line_handler(stream := Pieces())]
    logger.setLevel(logging.ERROR)
    logs.tell(logger, logging.INFO, [{"path": "/a"}])
    assert not stream.pieces
    logs.tell(logger, logging.ERROR, [{"path": "/a"}])
    assert stream.pieces


def test_a_log_that_cannot_be_written_stops_no_request(root, logger, monkeypatch):
    class Full(io.BytesIO):
        def write(self, _):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(logging, "raiseExceptions", False)
    root.handlers = [line_handler(Full())]
    logs.tell(logger, logging.INFO, [{"path": "/a"}])


def test_an_exception_stands_in_its_line():
    try:
        int("so")
    except ValueError:
        raised = logging.LogRecord("here", logging.ERROR, "", 0, "failed", None, sys.exc_info())
    assert json.loads(logs.JsonFormatter().format(raised))["exception"].splitlines()[-1].startswith("ValueError: ")
    first, *rest = logs.PlainFormatter().format(raised).split("\n")
    assert first.endswith("error   failed")
    assert rest[-1].startswith("ValueError: ")


def test_a_time_is_told_to_the_millisecond():
    [line] = logs.PlainFormatter().of_requests(1.9996, logging.INFO, "here", [{"a": 1}]).splitlines()
    assert line == b"1970-01-01T00:00:01.999Z info    request a=1"
