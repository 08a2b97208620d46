"""The adapter for any WSGI server."""

import io

import pytest

from service.api.http.body_adapter import START_RESPONSE, WSGIBodyAdapter
from service.errors import MalformedBody

ADAPTER = WSGIBodyAdapter()


class ChunkError(Exception):
    """An exception of a server's own, as PEP 3333 names none."""


class Broken:
    """A stream that fails."""

    def __init__(self, error):
        self.error = error

    def read(self, _size):
        raise self.error


class Response:
    """A server's response that can close its connection, as gunicorn's."""

    must_close = False

    def start_response(self, status, headers):
        """Unused."""

    def force_close(self):
        self.must_close = True


def test_the_body_is_read_and_copied():
    stream, buffer = io.BytesIO(b"abcdefgh"), bytearray(6)
    assert ADAPTER.read(stream, 3) == b"abc"
    assert ADAPTER.recv_into(stream, memoryview(buffer)) == 5
    assert buffer == b"defgh\0"
    assert ADAPTER.recv_into(stream, memoryview(buffer)) == 0


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (BlockingIOError(), "stopped arriving"),
        (TimeoutError(), "stopped arriving"),
        (ConnectionResetError(), "cannot be read"),
        (ChunkError(), "cannot be read"),
    ],
)
def test_every_error_of_the_stream_is_a_malformed_body(error, detail):
    with pytest.raises(MalformedBody, match=detail):
        ADAPTER.read(Broken(error), 1)
    with pytest.raises(MalformedBody, match=detail):
        ADAPTER.recv_into(Broken(error), memoryview(bytearray(1)))


@pytest.mark.parametrize("error", [MemoryError(), MalformedBody("as it was")])
def test_errors_that_are_not_the_streams_are_raised_unchanged(error):
    with pytest.raises(type(error)) as raised:
        ADAPTER.read(Broken(error), 1)
    assert raised.value is error


def test_a_write_might_block():
    assert not ADAPTER.can_send({})()


def test_the_connection_is_closed_where_the_server_can():
    response = Response()
    ADAPTER.close_after_response({START_RESPONSE: response.start_response})
    assert response.must_close
    ADAPTER.close_after_response({START_RESPONSE: lambda status, headers: None})


def test_a_client_of_another_server_counts_as_connected():
    assert ADAPTER.is_connected({})
