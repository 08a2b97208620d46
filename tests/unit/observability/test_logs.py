"""Log lines: JSON for programs, plain for a terminal, and whole on a pipe."""

import io
import json
import logging
import logging.config
import os
import sys
from itertools import pairwise
from select import PIPE_BUF

import pytest

from service.observability import logs

JSON = logs.LogFormatter(plain=False)
PLAIN = logs.LogFormatter(plain=True)


def record(*requests, level=logging.INFO):
    return logging.makeLogRecord(
        {"name": "here", "levelno": level, "levelname": logging.getLevelName(level), "requests": requests}
    )


def test_a_line_is_a_json_object():
    line = json.loads(JSON.format(record({"status": 200})))
    assert {"level": "info", "logger": "here", "message": "request", "status": 200}.items() <= line.items()
    assert line["time"].endswith("Z")


def test_a_path_that_is_not_unicode_is_escaped():
    line = JSON.format(record({"path": "/models/\udcff"}))
    assert json.loads(line)["path"] == "/models/\udcff"


def test_paths_of_a_batch_that_are_not_unicode_are_escaped():
    lines = JSON.format(record({"path": "/\udcff"}, {"path": "/b"})).split("\n")
    assert [json.loads(line)["path"] for line in lines] == ["/\udcff", "/b"]


def test_a_plain_line_has_the_fields_after_the_message():
    line = PLAIN.format(record({"status": 500, "ms": 1.5}, level=logging.ERROR))
    assert line.endswith("error   request status=500 ms=1.5")


def test_each_request_of_a_batch_has_a_line():
    lines = JSON.format(record({"path": "/a"}, {"path": "/b\u2028"})).split("\n")
    assert [json.loads(line)["path"] for line in lines] == ["/a", "/b\u2028"]
    hostile = ['},{"', '"},{"', '\\"},{"', "},{", '{"', "\n"]
    lines = JSON.format(record(*[{"path": path, "client": path} for path in hostile])).split("\n")
    assert [(line["path"], line["client"]) for line in map(json.loads, lines)] == [(path, path) for path in hostile]
    plain = PLAIN.format(record({"path": "/a"}, {"path": "/b"}))
    assert [line.rpartition(" ")[2] for line in plain.split("\n")] == ["path=/a", "path=/b"]


def test_control_characters_are_escaped_on_a_terminal():
    line = PLAIN.format(record({"path": "/a\n\x1b[2J\x9b2J\x7fü", "status": 404}))
    assert line.endswith("request path=/a\\n\\x1b[2J\\x9b2J\\x7fü status=404")
    try:
        raise ValueError("\x1b[2J\nso")  # noqa: TRY301 - to have its lines
    except ValueError:
        raised = logging.LogRecord("here", logging.ERROR, "", 0, "failed\r\nat %s", ("\x1b",), sys.exc_info())
    first, *rest = PLAIN.format(raised).split("\n")
    assert first.endswith("error   failed\\r\\nat \\x1b")
    assert rest[-2:] == ["ValueError: \\x1b[2J", "so"]


class Pieces(io.BytesIO):
    """A stream that remembers each write."""

    def __init__(self):
        super().__init__()
        self.pieces = []

    def write(self, data):
        self.pieces.append(data)
        return super().write(data)


def written(*requests):
    handler = logs.LogHandler(io.TextIOWrapper(stream := Pieces()))
    handler.setFormatter(JSON)
    handler.handle(record(*requests))
    return stream.pieces


def test_a_small_batch_is_written_at_once():
    [lines] = written(*[{"path": f"/{i}"} for i in range(16)])
    assert len(lines) < PIPE_BUF
    assert [json.loads(line)["path"] for line in lines.splitlines()] == [f"/{i}" for i in range(16)]


def test_no_piece_exceeds_the_atomic_write_of_a_pipe():
    paths = [f"/{i}" + "a" * (i % 7 * 100) for i in range(100)]
    pieces = written(*[{"path": path} for path in paths])
    assert [json.loads(line)["path"] for line in b"".join(pieces).splitlines()] == paths
    assert all(piece.endswith(b"}\n") and len(piece) <= PIPE_BUF for piece in pieces)
    assert all(len(one + following.partition(b"\n")[0]) + 1 > PIPE_BUF for one, following in pairwise(pieces))


def test_a_line_longer_than_an_atomic_write_is_written_alone():
    paths = ["/a", "/" + "b" * PIPE_BUF, "/" + "c" * PIPE_BUF, "/d", "/e"]
    pieces = written(*[{"path": path} for path in paths])
    found = [[json.loads(line)["path"] for line in piece.splitlines()] for piece in pieces]
    assert found == [paths[:1], paths[1:2], paths[2:3], paths[3:]]


def test_lines_of_exactly_an_atomic_write_are_written_at_once():
    room = PIPE_BUF - len(written({"path": ""}, {"path": ""})[0])
    assert [len(piece) for piece in written({"path": "a" * room}, {"path": ""})] == [PIPE_BUF]
    assert len(written({"path": "a" * (room + 1)}, {"path": ""})) == 2


@pytest.fixture
def root(monkeypatch):
    """The root logger without other handlers."""
    monkeypatch.setattr(logging.root, "handlers", [])
    return logging.root


@pytest.fixture
def logger():
    found = logging.getLogger("there")
    found.setLevel(logging.INFO)
    return found


def line_handler(stream):
    handler = logs.LogHandler(io.TextIOWrapper(stream))
    handler.setFormatter(JSON)
    return handler


def test_a_batch_and_a_log_record_have_the_same_lines(root, logger):
    requests = [{"path": "/a", "ms": 1.5}, {"path": "/b", "ms": 0.1}]
    written = []
    for others in ([], [logging.NullHandler()]):
        root.handlers = [line_handler(stream := Pieces()), *others]
        logs.log_requests(logger, logging.ERROR, requests)
        written.append([json.loads(line) for line in stream.getvalue().splitlines()])
    direct, by_record = written
    assert [line.pop("time")[:10] for line in direct] == [line.pop("time")[:10] for line in by_record]
    assert direct == by_record
    common = {"level": "error", "logger": "there", "message": "request", "pid": os.getpid()}
    assert direct == [common | request for request in requests]


def test_other_handlers_get_a_record(root, logger, caplog):
    root.handlers = [caplog.handler]
    logs.log_requests(logger, logging.INFO, [{"path": "/a"}])
    [found] = caplog.records
    assert (found.name, found.levelname, found.getMessage()) == ("there", "INFO", "request")
    assert found.requests == [{"path": "/a"}]


def test_requests_below_the_level_are_not_logged(root, logger):
    root.handlers = [line_handler(stream := Pieces())]
    logger.setLevel(logging.ERROR)
    logs.log_requests(logger, logging.INFO, [{"path": "/a"}])
    assert not stream.pieces
    logs.log_requests(logger, logging.ERROR, [{"path": "/a"}])
    assert stream.pieces


def test_a_failing_log_stops_no_request(root, logger, monkeypatch):
    class Full(io.BytesIO):
        def write(self, _):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(logging, "raiseExceptions", False)
    root.handlers = [line_handler(Full())]
    logs.log_requests(logger, logging.INFO, [{"path": "/a"}])


def test_an_exception_is_part_of_its_line():
    try:
        int("so")
    except ValueError:
        raised = logging.LogRecord("here", logging.ERROR, "", 0, "failed", None, sys.exc_info())
    assert json.loads(JSON.format(raised))["exception"].splitlines()[-1].startswith("ValueError: ")
    first, *rest = PLAIN.format(raised).split("\n")
    assert first.endswith("error   failed")
    assert rest[-1].startswith("ValueError: ")


def test_times_have_milliseconds():
    [line] = PLAIN.format_requests(1.9996, logging.INFO, "here", [{"a": 1}]).splitlines()
    assert line == b"1970-01-01T00:00:01.999Z info    request a=1"


@pytest.mark.parametrize(("is_terminal", "expected"), [(True, "request path=/a"), (False, '"path":"/a"}')])
def test_the_configuration_is_plain_on_a_terminal_and_json_elsewhere(monkeypatch, is_terminal, expected):
    monkeypatch.setattr(sys, "stderr", stream := io.TextIOWrapper(io.BytesIO()))
    stream.isatty = lambda: is_terminal
    configurator = logging.config.DictConfigurator(logs.configuration("info"))
    formatter = configurator.configure_formatter(configurator.config["formatters"]["lines"])
    assert formatter.format(record({"path": "/a"})).endswith(expected)
