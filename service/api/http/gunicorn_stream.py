"""The bytes of a request's body, received into memory that is there already.

gunicorn's stream copies what it receives four times, each into memory that it gets anew, and the kernel's part of that
takes longer than the copies. A body of known length can come straight from the socket.
"""

from typing import Any

from gunicorn.http.body import LengthReader
from gunicorn.http.unreader import SocketUnreader

PIECE = 1 << 20
"""Beyond this the stream's own way is as good: most of the time goes to memory for the bytes, whoever copies them."""


def read(stream: Any, size: int) -> bytes:
    """The next `size` bytes of a server's stream; fewer only at the end. Raises what the stream's own `read` raises."""
    if size > PIECE:
        data: bytes = stream.read(size)
        return data
    space = memoryview(bytearray(size))
    return bytes(space[: fill(stream, space)])


def fill(stream: Any, buffer: memoryview) -> int:
    """Fill `buffer` from a server's stream; how many bytes came, fewer only at the end. Raises what the stream's own
    `read` raises, and takes turns with it."""
    reader = getattr(stream, "reader", None)
    unreader = getattr(reader, "unreader", None)
    if not (isinstance(reader, LengthReader) and isinstance(unreader, SocketUnreader)):
        return _copied(stream, buffer)
    count = 0
    for source, ahead in ((stream, stream.buf), (reader, unreader.buf)):  # what came with the head, or a read ahead
        count += _copied(source, buffer[count:][: len(ahead.getbuffer())])
    return count + _received(stream, buffer[count:])


def _copied(source: Any, buffer: memoryview) -> int:
    data = source.read(len(buffer))
    buffer[: len(data)] = data
    return len(data)


def _received(stream: Any, buffer: memoryview) -> int:
    count = 0
    try:
        while count < len(buffer) and (came := stream.reader.unreader.sock.recv_into(buffer[count:])):
            count += came
    except OSError:
        stream.failed = True  # so that gunicorn looks for no request behind this one
        raise
    stream.reader.length -= len(buffer)
    return count
