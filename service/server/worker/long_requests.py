"""Estimates from a request's head, or from its small compressed body, whether a request takes long."""

import pyarrow as pa

from service.fastpath.interface import RequestHead
from service.formats.compression import DECOMPRESSORS

LONG_BYTES = 1_000_000
LONG_COMPRESSED_BYTES = 1 << 16
IDENTITY = ("", "identity")


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
        head.content_encoding in DECOMPRESSORS
        and head.body_length is not None
        and 0 < head.body_length < LONG_COMPRESSED_BYTES
        and not head.expects_continue
    )


def is_long_decompressed(encoding: str, body: bytes) -> bool:
    """Return whether a compressed body has LONG_BYTES or more. Decompresses no more than that, and no broken rest."""
    try:
        with pa.CompressedInputStream(pa.BufferReader(body), DECOMPRESSORS[encoding]) as stream:
            return len(stream.read(LONG_BYTES)) >= LONG_BYTES
    except (pa.ArrowException, OSError):
        return False
