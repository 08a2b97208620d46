"""Uploads hold a limited number of threads."""

import socket

import pytest
from gunicorn.config import Config

from service.server.worker.connection import Connection
from service.server.worker.http_head import HeadParser
from service.server.worker.upload_limiter import UploadLimiter


@pytest.mark.parametrize(
    ("received", "is_complete"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", True),
        (b"GET / HTTP/1.1\r\nHost: a\r\n", False),
        (b"PUT / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", True),
        (b"PUT / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab", False),
        (b"PUT / HTTP/1.1\r\ncontent-length:\t3 \r\n\r\nabcGET", True),
        (b"PUT / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 3\r\n\r\na", False),
        (b"PUT / HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc", False),
        (b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", False),
        (b"PUT / HTTP/1.1\r\nX: content-length: 9\r\n\r\n", True),
        (b"", False),
    ],
)
def test_a_request_is_complete_when_its_body_has_arrived(received, is_complete):
    with socket.socket() as sock:
        connection = Connection(Config(), sock, ("127.0.0.1", 1), ("127.0.0.1", 2), lambda _: None)
        connection.received = received
        connection.parsed = HeadParser(lambda _: None).parse(received)
        assert connection.is_complete == is_complete


def test_uploads_beyond_the_limit_start_in_order_when_others_end():
    started = []
    uploads = UploadLimiter(2, started.append)
    for name in "abcd":
        uploads.begin(name)
    assert started == ["a", "b"]
    uploads.end("other")
    assert started == ["a", "b"]
    uploads.end("b")
    assert started == ["a", "b", "c"]
    uploads.end("c")
    uploads.end("a")
    assert started == ["a", "b", "c", "d"]
    uploads.end("d")
    uploads.begin("e")
    assert started[-1] == "e"
