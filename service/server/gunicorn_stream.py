"""Access to gunicorn's request bodies and connections.

gunicorn's stream copies received bytes four times, each time into newly allocated memory. A body of known length can be
received from the socket instead.
"""

import select
from collections.abc import Callable
from typing import Any
from wsgiref.types import WSGIEnvironment

from gunicorn.http.body import LengthReader
from gunicorn.http.errors import ParseException
from gunicorn.http.unreader import SocketUnreader

from service.api.http.body_adapter import WSGIBodyAdapter, receive_errors

MAX_DIRECT_READ = 1 << 20
"""Longer reads go through gunicorn's stream: most of their time is spent on allocating memory either way."""


class GunicornBodyAdapter(WSGIBodyAdapter):
    """The adapter for gunicorn's workers of any class."""

    def read(self, stream: Any, size: int) -> bytes:
        """Return the next `size` bytes, from the socket where possible."""
        if size > MAX_DIRECT_READ:
            with receive_errors(OSError, ParseException):
                data: bytes = stream.read(size)
            return data
        space = memoryview(bytearray(size))
        return bytes(space[: self.recv_into(stream, space)])

    def recv_into(self, stream: Any, buffer: memoryview) -> int:
        """Fill `buffer`, from the socket where possible. Reads and receives may alternate."""
        reader = getattr(stream, "reader", None)
        unreader = getattr(reader, "unreader", None)
        with receive_errors(OSError, ParseException):
            if not (isinstance(reader, LengthReader) and isinstance(unreader, SocketUnreader)):
                return _copy(stream, buffer)
            count = 0
            for source, ahead in ((stream, stream.buf), (reader, unreader.buf)):  # bytes that were read ahead
                count += _copy(source, buffer[count:][: len(ahead.getbuffer())])
            return count + _receive(stream, buffer[count:])

    def can_send(self, environ: WSGIEnvironment) -> Callable[[], bool]:
        """Return a function that polls the client's socket."""
        poll = select.poll()
        poll.register(environ["gunicorn.socket"], select.POLLOUT)
        return lambda: bool(poll.poll(0))

    def is_connected(self, environ: WSGIEnvironment) -> bool:
        """Return whether the client has not closed its side of the connection, which ends a request as in nginx."""
        poll = select.poll()
        poll.register(environ["gunicorn.socket"], select.POLLRDHUP)
        return not poll.poll(0)


def _copy(source: Any, buffer: memoryview) -> int:
    data = source.read(len(buffer))
    buffer[: len(data)] = data
    return len(data)


def _receive(stream: Any, buffer: memoryview) -> int:
    count = 0
    try:
        while count < len(buffer) and (received := stream.reader.unreader.sock.recv_into(buffer[count:])):
            count += received
    except OSError:
        stream.failed = True  # the start of the next request is unknown, so gunicorn closes the connection
        raise
    stream.reader.length -= len(buffer)
    return count
