"""Content encodings: gzip and zstd, in both directions, as the bytes come."""

import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pyarrow as pa

from service.errors import BodyTooLarge, MalformedBody
from service.formats.sink import Sink
from service.formats.source import Body, Limits

PIECE = 1 << 16
ENCODINGS = ("zstd", "gzip")
"""Those of answers, the quicker one first."""


class Inflated:
    """The bytes of a compressed body, at most so many times as large as what came."""

    def __init__(self, body: Body, encoding: str, limits: Limits, bound: int) -> None:
        self._raw = _Counted(body)
        self._inflate = INFLATERS[encoding](self._raw)
        self._encoding = encoding
        self._limits = limits
        self._bound = bound
        self._size = 0

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
        self._size += len(piece)
        allowed = min(self._bound, self._limits.inflated(self._raw.size))
        if self._size > allowed:
            raise BodyTooLarge(
                f"The body inflates to more than {allowed} bytes: the bound is {self._limits.inflation} times its size "
                f"(DESCENT_MAX_INFLATION), and {self._bound} bytes. Send it as it is, or less of it."
            )
        return piece


def deflated(pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """`pieces` in the encoding."""
    sink = Sink()
    stream = pa.CompressedOutputStream(pa.PythonFile(sink, mode="w"), encoding)
    for piece in pieces:
        stream.write(piece)
        if written := sink.taken():
            yield written
    stream.close()
    yield sink.taken()


class _Counted:
    """A body, and how much of it was read; as a file, for pyarrow."""

    closed = False

    def __init__(self, body: Body) -> None:
        self._body = body
        self.size = 0

    def read(self, size: int) -> bytes:
        data = self._body.read(size)
        self.size += len(data)
        return data

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        """Nothing is open."""


def _unzip(raw: _Counted, window: int) -> Callable[[int], bytes]:
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


def _unzstd(raw: _Counted) -> Callable[[int], bytes]:
    return pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd").read  # type: ignore[no-any-return]


INFLATERS: dict[str, Callable[[_Counted], Callable[[int], bytes]]] = {
    "gzip": partial(_unzip, window=zlib.MAX_WBITS + 16),
    "x-gzip": partial(_unzip, window=zlib.MAX_WBITS + 16),
    "deflate": partial(_unzip, window=zlib.MAX_WBITS),
    "zstd": _unzstd,
}
