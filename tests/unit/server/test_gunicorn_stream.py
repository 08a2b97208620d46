"""Bodies that come straight from the socket are those that gunicorn's own stream gives."""

import io
import socket
import threading

import pytest
from gunicorn.http.body import Body, LengthReader
from gunicorn.http.unreader import SocketUnreader
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import MalformedBody
from service.server import gunicorn_stream

ADAPTER = gunicorn_stream.GunicornBodyAdapter()
MAX_DIRECT_READ = gunicorn_stream.MAX_DIRECT_READ
CONTENT = bytes(range(256)) * 40
STEPS = st.lists(st.tuples(st.booleans(), st.integers(0, 3000)), max_size=12)


class Connection:
    """A body of known length on a socket, the first bytes of which came with the head; `behind` follows it."""

    def __init__(self, content, early, behind=b""):
        self.client, self.server = socket.socketpair()
        unreader = SocketUnreader(self.server)
        unreader.unread((content + behind)[:early])
        self.client.sendall((content + behind)[early:])
        self.client.shutdown(socket.SHUT_WR)
        self.unreader, self.stream = unreader, Body(LengthReader(unreader, len(content)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()
        self.server.close()


def taken(stream, into, size):
    if not into:
        return ADAPTER.read(stream, size)
    space = bytearray(size)
    return bytes(space[: ADAPTER.recv_into(stream, memoryview(space))])


@settings(deadline=None)
@given(st.integers(0, 2 * len(CONTENT)), STEPS)
def test_any_turns_of_reading_give_the_body_and_leave_what_is_behind_it(early, steps):
    behind = b"POST / HTTP/1.1\r\n"
    with Connection(CONTENT, early, behind) as connection:
        expected = io.BytesIO(CONTENT)
        for into, size in steps:
            left = len(CONTENT) - expected.tell()
            assert taken(connection.stream, into, min(size, left)) == expected.read(size)
        assert ADAPTER.read(connection.stream, len(CONTENT) - expected.tell()) == expected.read()
        assert connection.stream.read(1024) == b""
        assert connection.unreader.read(len(behind)) == behind


@pytest.mark.parametrize("size", [1 << 12, MAX_DIRECT_READ + 1])
def test_an_early_end_gives_what_came(size):
    with Connection(CONTENT, 100) as connection:
        connection.stream.reader.length += 1 << 21
        assert b"".join(iter(lambda: taken(connection.stream, size < MAX_DIRECT_READ, size), b"")) == CONTENT


def test_large_bodies_come_as_they_are():
    content = CONTENT * 300
    client, server = socket.socketpair()
    sender = threading.Thread(target=client.sendall, args=(content,))
    sender.start()
    stream = Body(LengthReader(SocketUnreader(server), len(content)))
    first = taken(stream, into=True, size=MAX_DIRECT_READ * 2)
    assert first + ADAPTER.read(stream, len(content) - len(first)) == content
    sender.join()
    client.close()
    server.close()


def test_a_time_out_ends_the_connection():
    with Connection(CONTENT, 0) as connection:
        connection.stream.reader.length += 10
        connection.server.settimeout(0)
        assert taken(connection.stream, into=True, size=len(CONTENT)) == CONTENT
        client, server = socket.socketpair()
        server.settimeout(0)
        connection.unreader.sock = server
        with pytest.raises(MalformedBody):
            taken(connection.stream, into=True, size=1)
        assert connection.stream.failed
        client.close()
        server.close()


def test_streams_of_other_servers_are_read():
    assert taken(io.BytesIO(CONTENT), into=True, size=300) == CONTENT[:300]
    assert ADAPTER.read(io.BytesIO(CONTENT), 300) == CONTENT[:300]
