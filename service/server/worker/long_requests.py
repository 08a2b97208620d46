"""Estimates from a request's head, or from its small compressed body, whether a request takes long."""

import zlib

import pyarrow as pa

from service.fastpath.interface import RequestHead

LONG_BYTES = 1_000_000
LONG_COMPRESSED_BYTES = 1 << 16
IDENTITY = ("", "identity")
_WINDOWS = {"gzip": zlib.MAX_WBITS + 16, "x-gzip": zlib.MAX_WBITS + 16, "deflate": zlib.MAX_WBITS}


def is_long(head: RequestHead) -> bool:
    """Return whether the request has a large body, or one of unknown size. A wrong estimate costs time only.

    JSON of unknown size is received as a whole before any work, so it is not long.
    """
    is_compressed = head.content_encoding not in IDENTITY
    if head.body_length is None:
        return is_compressed or not head.media_type.lower().startswith("application/json")
    return head.body_length >= (LONG_COMPRESSED_BYTES if is_compressed else LONG_BYTES)


def is_measurable(head: RequestHead) -> bool:
    """Return whether the decompressed size is to be measured: of small bodies, which the event loop can receive."""
    return (
        (head.content_encoding in _WINDOWS or head.content_encoding == "zstd")
        and head.body_length is not None
        and 0 < head.body_length < LONG_COMPRESSED_BYTES
        and not head.expects_continue
    )


def is_long_decompressed(encoding: str, body: bytes) -> bool:
    """Return whether a compressed body has LONG_BYTES or more. Decompresses no more than that, and no broken rest."""
    try:
        if encoding == "zstd":
            with pa.CompressedInputStream(pa.BufferReader(body), encoding) as stream:
                return len(stream.read(LONG_BYTES)) >= LONG_BYTES
        return _inflated_size(body, _WINDOWS[encoding]) >= LONG_BYTES
    except (zlib.error, pa.ArrowException, OSError):
        return False


def _inflated_size(body: bytes, window: int) -> int:
    """Return the size of the members of a gzip file, or of a deflated text, up to LONG_BYTES."""
    size = 0
    while body and size < LONG_BYTES:
        member = zlib.decompressobj(window)
        size += len(member.decompress(body, LONG_BYTES - size))
        body = member.unused_data
    return size
