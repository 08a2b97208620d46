"""Bodies received from the socket are those that gunicorn's own stream returns."""

import io
import socket
import threading
from types import SimpleNamespace

import pytest
from gunicorn.http.body import Body, ChunkedReader, LengthReader
from gunicorn.http.unreader import SocketUnreader
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import MalformedBody
from service.server.gunicorn_stream import MAX_DIRECT_READ, GunicornBodyAdapter

ADAPTER = GunicornBodyAdapter()
CONTENT = bytes(range(256)) * 40
STEPS = st.lists(st.tuples(st.booleans(), st.integers(0, 3000)), max_size=12)


class Connection:
    """A body of known length on a socket.

    Its first `early` bytes were received with the head; `behind` are the bytes of the next request.
    """

    def __init__(self, content, early, behind=b""):
        self.client, self.server = socket.socketpair()
        self.unreader = SocketUnreader(self.server)
        self.unreader.unread((content + behind)[:early])
        self.client.sendall((content + behind)[early:])
        self.client.shutdown(socket.SHUT_WR)
        self.stream = Body(LengthReader(self.unreader, len(content)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()
        self.server.close()


def receive(stream, size, *, into):
    if not into:
        return ADAPTER.read(stream, size)
    buffer = bytearray(size)
    return bytes(buffer[: ADAPTER.recv_into(stream, memoryview(buffer))])


@settings(deadline=None)
@given(st.integers(0, 2 * len(CONTENT)), STEPS)
def test_any_sequence_of_reads_returns_the_body_and_leaves_the_next_request(early, steps):
    behind = b"POST / HTTP/1.1\r\n"
    with Connection(CONTENT, early, behind) as connection:
        expected = io.BytesIO(CONTENT)
        for into, size in steps:
            left = len(CONTENT) - expected.tell()
            assert receive(connection.stream, min(size, left), into=into) == expected.read(size)
        assert ADAPTER.read(connection.stream, len(CONTENT) - expected.tell()) == expected.read()
        assert connection.stream.read(1024) == b""
        assert connection.unreader.read(len(behind)) == behind


@pytest.mark.parametrize("size", [1 << 12, MAX_DIRECT_READ + 1])
def test_an_early_end_returns_the_bytes_received(size):
    with Connection(CONTENT, 100) as connection:
        connection.stream.reader.length += 1 << 21
        into = size < MAX_DIRECT_READ
        assert b"".join(iter(lambda: receive(connection.stream, size, into=into), b"")) == CONTENT


def test_a_large_body_is_received_unchanged():
    content = CONTENT * 300
    client, server = socket.socketpair()
    sender = threading.Thread(target=client.sendall, args=(content,))
    sender.start()
    stream = Body(LengthReader(SocketUnreader(server), len(content)))
    first = receive(stream, 2 * MAX_DIRECT_READ, into=True)
    assert first + ADAPTER.read(stream, len(content) - len(first)) == content
    sender.join()
    client.close()
    server.close()


@pytest.mark.parametrize("size", [1, MAX_DIRECT_READ + 1])
def test_a_timeout_is_a_malformed_body_and_ends_the_connection(size):
    client, server = socket.socketpair()
    with client, server:
        server.settimeout(0)
        stream = Body(LengthReader(SocketUnreader(server), 2 * size))
        with pytest.raises(MalformedBody, match="stopped arriving"):
            ADAPTER.read(stream, size)
        assert stream.failed


@pytest.mark.parametrize("size", [10, MAX_DIRECT_READ + 1])
def test_broken_chunks_are_a_malformed_body_and_end_the_connection(size):
    client, server = socket.socketpair()
    with client, server:
        client.sendall(b"5\r\nhello!!\r\n")
        stream = Body(ChunkedReader(SimpleNamespace(), SocketUnreader(server)))
        with pytest.raises(MalformedBody, match="cannot be read"):
            ADAPTER.read(stream, size)
        assert stream.failed


def test_streams_of_other_classes_are_read():
    assert receive(io.BytesIO(CONTENT), 300, into=True) == CONTENT[:300]
    assert ADAPTER.read(io.BytesIO(CONTENT), 300) == CONTENT[:300]


def test_a_socket_accepts_bytes_until_its_buffer_is_full():
    client, server = socket.socketpair()
    with client, server:
        can_send = ADAPTER.can_send({"gunicorn.socket": server})
        server.setblocking(False)
        assert can_send()
        while can_send():
            server.send(bytes(1 << 14))
        client.recv(1 << 20)
        assert can_send()


def test_a_client_that_closes_its_connection_is_no_longer_connected():
    client, server = socket.socketpair()
    with client, server:
        environ = {"gunicorn.socket": server}
        assert ADAPTER.is_connected(environ)
        client.sendall(b"the next request")
        assert ADAPTER.is_connected(environ)
        client.shutdown(socket.SHUT_WR)
        assert not ADAPTER.is_connected(environ)
