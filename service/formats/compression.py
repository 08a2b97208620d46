"""Content encodings: streaming compression and decompression with gzip, deflate and zstd."""

import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pyarrow as pa

from service.errors import MalformedBody
from service.formats.byte_sink import ByteSink
from service.formats.table import Body, Limits

PIECE_BYTES = 1 << 16
RESPONSE_ENCODINGS = ("zstd", "gzip")
"""Encodings of responses, the faster one first."""


class Decompressor:
    """A body that decompresses another, up to `max_bytes` and the decompression ratio of `limits`."""

    def __init__(self, body: Body, encoding: str, limits: Limits, max_bytes: int) -> None:
        self._compressed = body
        self._decompress = DECOMPRESSORS[encoding](body)
        self._encoding = encoding
        self._budget = limits.decompression_budget(body, max_bytes)

    @property
    def size(self) -> int:
        """The number of compressed bytes received so far."""
        return self._compressed.size

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer only at the end; raise MalformedBody or BodyTooLarge."""
        pieces = []
        while size > 0 and (piece := self._read_piece(min(size, PIECE_BYTES))):
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def readinto(self, buffer: memoryview) -> int:
        """Fill `buffer` and return the number of bytes read; raise as `read` does."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _read_piece(self, size: int) -> bytes:
        try:
            piece = self._decompress(size)
        except (zlib.error, EOFError, pa.ArrowException, OSError) as error:
            detail = f"The body cannot be decompressed with Content-Encoding {self._encoding}: {error}."
            raise MalformedBody(f"{detail} Send the complete {self._encoding} data.") from None
        self._budget.consume(len(piece))
        return piece


def compress(pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """Yield `pieces` compressed with the encoding gzip or zstd."""
    sink = ByteSink()
    stream = pa.CompressedOutputStream(pa.PythonFile(sink, mode="w"), encoding)
    for piece in pieces:
        stream.write(piece)
        if written := sink.drain():
            yield written
    stream.close()
    yield sink.drain()


class _BodyFile:
    """A body with the interface of a readable file, for pyarrow."""

    closed = False

    def __init__(self, body: Body) -> None:
        self.read = body.read

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        pass


def _zlib_reader(body: Body, window: int) -> Callable[[int], bytes]:
    """Return a function that reads the decompressed bytes of all members of a gzip or deflate body."""
    member: Any = None

    def read(size: int) -> bytes:
        nonlocal member
        while True:
            rest = b"" if member is None else member.unconsumed_tail or member.unused_data
            if member is None or member.eof:
                rest = rest or body.read(PIECE_BYTES)
                if not rest and member is not None:
                    return b""
                member = zlib.decompressobj(window)
            data = rest or body.read(PIECE_BYTES)
            if not data:
                raise EOFError("the data ends early")
            if piece := member.decompress(data, size):
                return bytes(piece)

    return read


def _zstd_reader(body: Body) -> Callable[[int], bytes]:
    return pa.CompressedInputStream(pa.PythonFile(_BodyFile(body), mode="r"), "zstd").read  # type: ignore[no-any-return]


DECOMPRESSORS: dict[str, Callable[[Body], Callable[[int], bytes]]] = {
    "gzip": partial(_zlib_reader, window=zlib.MAX_WBITS + 16),
    "x-gzip": partial(_zlib_reader, window=zlib.MAX_WBITS + 16),
    "deflate": partial(_zlib_reader, window=zlib.MAX_WBITS),
    "zstd": _zstd_reader,
}
