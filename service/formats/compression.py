"""Content encodings: gzip and zstd, in both directions, as the bytes come."""

import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pyarrow as pa

from service.errors import MalformedBody
from service.formats.byte_sink import ByteSink
from service.formats.table import Body, Limits

PIECE = 1 << 16
RESPONSE_ENCODINGS = ("zstd", "gzip")
"""Those of answers, the quicker one first."""


class Decompressor:
    """The bytes of a compressed body, at most so many times as large as what came."""

    def __init__(self, body: Body, encoding: str, limits: Limits, bound: int) -> None:
        self._raw = body
        self._inflate = DECOMPRESSORS[encoding](body)
        self._encoding = encoding
        self._budget = limits.decompression_budget(body, bound)

    @property
    def size(self) -> int:
        """How many bytes have come, as they were sent."""
        return self._raw.size

    def read(self, size: int) -> bytes:
        """The next `size` bytes; fewer only at the end. Raises MalformedBody and BodyTooLarge."""
        pieces = []
        while size > 0 and (piece := self._piece(min(size, PIECE))):
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def readinto(self, buffer: memoryview) -> int:
        """As `read`, into `buffer`; how many bytes came."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _piece(self, size: int) -> bytes:
        try:
            piece = self._inflate(size)
        except (zlib.error, EOFError, pa.ArrowException, OSError) as error:
            raise MalformedBody(f"The body is not {self._encoding}, or it is cut short: {error}.") from None
        self._budget.consume(len(piece))
        return piece


def compress(pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """`pieces` in the encoding."""
    sink = ByteSink()
    stream = pa.CompressedOutputStream(pa.PythonFile(sink, mode="w"), encoding)
    for piece in pieces:
        stream.write(piece)
        if written := sink.drain():
            yield written
    stream.close()
    yield sink.drain()


class _File:
    """A body as a file, for pyarrow."""

    closed = False

    def __init__(self, body: Body) -> None:
        self.read = body.read

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        """Nothing is open."""


def _unzip(raw: Body, window: int) -> Callable[[int], bytes]:
    """A reader of what zlib has packed: the members of a gzip file, which may be several, or a deflated text."""
    member: Any = None

    def read(size: int) -> bytes:
        nonlocal member
        while True:
            rest = b"" if member is None else member.unconsumed_tail or member.unused_data
            if member is None or member.eof:
                rest = rest or raw.read(PIECE)
                if not rest and member is not None:
                    return b""
                member = zlib.decompressobj(window)
            data = rest or raw.read(PIECE)
            if not data:
                raise EOFError("its end is missing")
            if piece := member.decompress(data, size):
                return bytes(piece)

    return read


def _unzstd(raw: Body) -> Callable[[int], bytes]:
    return pa.CompressedInputStream(pa.PythonFile(_File(raw), mode="r"), "zstd").read  # type: ignore[no-any-return]


DECOMPRESSORS: dict[str, Callable[[Body], Callable[[int], bytes]]] = {
    "gzip": partial(_unzip, window=zlib.MAX_WBITS + 16),
    "x-gzip": partial(_unzip, window=zlib.MAX_WBITS + 16),
    "deflate": partial(_unzip, window=zlib.MAX_WBITS),
    "zstd": _unzstd,
}
