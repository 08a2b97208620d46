"""Requests that a thread has to receive: which these are, and how many at a time."""

import pytest

from service.server.worker.upload_limiter import UploadLimiter, is_complete


@pytest.mark.parametrize(
    ("received", "whole"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", True),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r", False),
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
def test_a_request_is_whole_when_its_body_is_there(received, whole):
    assert is_complete(received) == whole


def test_so_many_at_a_time_and_the_others_in_their_order():
    started = []
    sending = UploadLimiter(2, started.append)
    for name in "abcd":
        sending.begin(name)
    assert started == ["a", "b"]
    sending.end("other")
    assert started == ["a", "b"]
    sending.end("b")
    assert started == ["a", "b", "c"]
    sending.end("c")
    sending.end("a")
    assert started == ["a", "b", "c", "d"]
    sending.end("d")
    sending.begin("e")
    assert started[-1] == "e"
