"""Lines of the log."""

import io
import json
import logging
from select import PIPE_BUF

from service import logs


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


class Pieces(io.StringIO):
    """A stream that remembers what it was given at a time."""

    def __init__(self):
        super().__init__()
        self.pieces = []

    def write(self, text):
        self.pieces.append(text)
        return super().write(text)


def written(*requests):
    handler = logs.LineHandler(stream := Pieces())
    handler.setFormatter(logs.JsonFormatter())
    handler.handle(record(*requests))
    return stream.pieces


def test_lines_are_written_at_once_where_a_pipe_keeps_them_whole():
    [lines] = written(*[{"path": f"/{i}"} for i in range(16)])
    assert len(lines) < PIPE_BUF
    assert [json.loads(line)["path"] for line in lines.splitlines()] == [f"/{i}" for i in range(16)]


def test_lines_that_a_pipe_would_tear_are_written_one_by_one():
    pieces = written(*[{"path": "/" + "a" * 1000} for _ in range(5)])
    assert [json.loads(piece)["path"] for piece in pieces] == ["/" + "a" * 1000] * 5
    assert all(piece.endswith("}\n") and len(piece) < PIPE_BUF for piece in pieces)
