"""Content encodings: streaming compression and decompression with gzip, deflate and zstd."""

from collections.abc import Iterator

import pyarrow as pa

from service.errors import MalformedBody
from service.formats.pyarrow_tables import ByteSink
from service.formats.table import Body, Limits

PIECE_BYTES = 1 << 16
DECOMPRESSORS = {"gzip": "gzip", "x-gzip": "gzip", "deflate": "gzip", "zstd": "zstd"}
"""pyarrow's codec for each encoding of a request; its gzip codec reads the format of zlib, HTTP's deflate, as well."""
RESPONSE_ENCODINGS = ("zstd", "gzip")
"""Encodings of responses, the faster one first."""


class Decompressor:
    """A body that decompresses another, up to `max_bytes` and the decompression ratio of `limits`."""

    def __init__(self, body: Body, encoding: str, limits: Limits, max_bytes: int) -> None:
        self._compressed = body
        self._stream = pa.CompressedInputStream(pa.PythonFile(_BodyFile(body), mode="r"), DECOMPRESSORS[encoding])
        self._encoding = encoding
        self._budget = limits.decompression_budget(body, max_bytes)

    @property
    def size(self) -> int:
        """The number of compressed bytes received so far."""
        return self._compressed.size

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer only at the end; raise MalformedBody or BodyTooLarge."""
        pieces = []
        try:
            while size > 0 and (piece := self._stream.read(min(size, PIECE_BYTES))):
                self._budget.consume(len(piece))
                pieces.append(piece)
                size -= len(piece)
        except (pa.ArrowException, OSError) as error:
            detail = f"The body cannot be decompressed with Content-Encoding {self._encoding}: {error}."
            raise MalformedBody(f"{detail} Send the complete {self._encoding} data.") from None
        return b"".join(pieces)

    def readinto(self, buffer: memoryview) -> int:
        """Fill `buffer` and return the number of bytes read; raise as `read` does."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


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
    """A body with the methods of a file that pyarrow calls."""

    closed = False

    def __init__(self, body: Body) -> None:
        self.read = body.read

    def close(self) -> None:
        """Leave the body open: it ends with the request."""
