"""Responses that are sent in pieces, in process and to sockets that accept no more bytes."""

import contextlib
import gzip
import json
import socket
from types import SimpleNamespace

import numpy as np
import pytest
from flask import Flask, g
from marshmallow import Schema, fields

from service.api.http.body_adapter import WSGIBodyAdapter
from service.api.http.context import EXTENSION
from service.api.http.full_duplex import spool_until_received
from service.api.http.response import ViewResult, write_response
from service.formats.bad_cells import ENCODE
from service.server.gunicorn_stream import GunicornBodyAdapter

ROW = b"0.12345\n"


def rows(count, last=b""):
    yield b"x\n"
    for _ in range(count // 10_000):
        yield ROW * 10_000
    yield last


def app_with(body_adapter):
    """An app without routes, for responses that are written in its request context."""
    app = Flask("responses")
    app.extensions[EXTENSION] = SimpleNamespace(body_adapter=body_adapter)
    return app


def fill(connection):
    """Send until the buffers of both sockets are full."""
    connection.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            connection.send(bytes(1 << 16))


@pytest.fixture(scope="module")
def model(http):
    assert http.post("/models/line/train", json={"x": [1, 2, 4], "y": [1, 2, 3]}).status_code == 201


@pytest.mark.parametrize("accept", ["application/json", "text/csv", "application/vnd.apache.arrow.stream"])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_long_table_is_sent_in_pieces(http, model, accept, encoding):
    headers = {"Content-Type": "text/csv", "Accept": accept, "Accept-Encoding": encoding}
    answer = http.post("/models/line/predict?missing=drop", content=rows(200_000), headers=headers)
    assert answer.status_code == 200
    assert answer.headers.get("Content-Encoding", "identity") == encoding
    if accept == "application/json":
        assert len(answer.json()["y"]) == 200_000
        assert answer.json()["dropped"] == 0
    if accept == "text/csv":
        assert len(answer.text.splitlines()) == 200_001


def test_an_error_after_the_first_byte_ends_the_response(http, model):
    headers = {"Content-Type": "text/csv", "Accept": "text/csv", "Accept-Encoding": "identity"}
    with pytest.raises(Exception, match='"no number" is not a number'):
        http.post("/models/line/predict", content=rows(200_000, b"no number\n"), headers=headers)
    assert 'status="422"' in http.get("/metrics").text


@pytest.mark.parametrize("encoding", ["identity", "gzip", "zstd"])
@pytest.mark.parametrize("accept", ["application/json", "text/csv"])
def test_an_error_before_the_first_byte_of_a_compressed_response_is_a_problem(http, model, accept, encoding):
    headers = {"Content-Type": "text/csv", "Accept": accept, "Accept-Encoding": encoding}
    count = 10_000 if encoding == "identity" else 400_000
    answer = http.post("/models/line/predict", content=rows(count, b"oops\n"), headers=headers)
    assert answer.status_code == 422
    detail = f'column "x", line {count + 2}: "oops" is not a number; {ENCODE}'
    assert answer.json()["errors"] == [{"pointer": f"/x/x/{count}", "detail": detail}]


def test_a_client_that_disconnects_is_not_logged_as_an_error(http, model, caplog):
    headers = {"Content-Type": "text/csv", "Accept": "text/csv", "Accept-Encoding": "identity"}
    with http.stream("POST", "/models/line/predict", content=rows(200_000), headers=headers) as answer:
        assert next(answer.iter_raw())
    metrics = http.get("/metrics").text
    assert 'status="499"' in metrics
    assert 'status="500"' not in metrics
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_an_error_after_the_first_byte_ends_a_compressed_response(http, model, encoding):
    headers = {"Content-Type": "text/csv", "Accept": "text/csv", "Accept-Encoding": encoding}
    numbers = np.random.default_rng(20).normal(size=60_000)
    body = "x\n" + "\n".join(map(str, numbers)) + "\noops\n"
    with pytest.raises(Exception, match='"oops" is not a number'):
        http.post("/models/line/predict", content=body.encode(), headers=headers)


@pytest.mark.parametrize("length", [10, 1_000, 500_000])
def test_a_short_response_is_not_compressed(length):
    batches = iter([{"y": np.zeros(length)}])
    with app_with(WSGIBodyAdapter()).test_request_context(headers={"Accept-Encoding": "gzip"}):
        g.body = SimpleNamespace(is_read=True)
        response = write_response(ViewResult({"model": "a"}, batches=batches), Columns(), 200)
        data = b"".join(response.iter_encoded())
    assert response.headers.get("Content-Encoding") == (None if length == 10 else "gzip")
    document = json.loads(data if length == 10 else gzip.decompress(data))
    assert document == {"model": "a", "y": [0] * length}


def test_bytes_that_the_client_does_not_accept_are_spooled_until_the_request_is_received():
    ours, theirs = socket.socketpair()
    app = app_with(GunicornBodyAdapter())
    with ours, theirs, app.test_request_context(environ_overrides={"gunicorn.socket": ours}):
        fill(ours)
        g.body = SimpleNamespace(is_read=False)
        made = []

        def pieces():
            for i in range(5):
                made.append(i)
                if i == 4:
                    g.body.is_read = True
                yield bytes([i]) * 100_000

        sent = spool_until_received(pieces())
        first = next(sent)
        assert made == [0, 1, 2, 3, 4]
        assert first + b"".join(sent) == b"".join(bytes([i]) * 100_000 for i in range(5))


class Columns(Schema):
    """The schema of a response of several columns."""

    model = fields.String()
    dropped = fields.Integer()


@pytest.mark.parametrize("length", [3, 200_000])
def test_several_columns_make_one_document(length):
    batches = ({"y": np.full(length, i), "lower": np.full(length, -i)} for i in range(2))
    with app_with(WSGIBodyAdapter()).test_request_context():
        g.body = SimpleNamespace(is_read=True)
        response = write_response(
            ViewResult({"model": "a"}, batches=batches, trailer=lambda: {"dropped": 7}), Columns(), 200
        )
        document = json.loads(b"".join(response.iter_encoded()))
    expected = [0] * length + [1] * length
    assert document == {"model": "a", "y": expected, "lower": [-i for i in expected], "dropped": 7}
