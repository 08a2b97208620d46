"""Read the lengths in an Arrow message's head before pyarrow allocates memory by them.

Tables follow the FlatBuffers format, fields Arrow's Message.fbs: Message {version, header_type, header, bodyLength,
custom_metadata}, RecordBatch {length, nodes, buffers, compression}.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

RECORD_BATCH = 3
VERSION_5 = 4


class MessageHead(NamedTuple):
    """The length of a message's buffers in bytes; for a record batch also its rows and compressed buffers' offsets."""

    body_length: int
    rows: int = 0
    compressed: tuple[int, ...] = ()

    def uncompressed_length(self, body: memoryview) -> int:
        """Return the sum of the uncompressed lengths that the compressed buffers declare."""
        return sum(abs(_unpack("<q", body, offset)) for offset in self.compressed)


def read_head(data: bytes) -> MessageHead:
    """Return the head in a message's metadata; raise struct.error or IndexError if it is damaged."""
    message = _follow(data, 0)
    if _may_use_legacy_compression(data, message):
        raise IndexError
    kind, header, length = (_field(data, message, number) for number in (1, 2, 3))
    body_length = 0 if length is None else _unpack("<q", data, length)
    if kind is None or header is None or data[kind] != RECORD_BATCH:
        return MessageHead(body_length)
    batch = _follow(data, header)
    rows, compression = _field(data, batch, 0), _field(data, batch, 3)
    compressed = () if compression is None else tuple(_buffer_offsets(data, batch, body_length))
    return MessageHead(body_length, 0 if rows is None else _unpack("<q", data, rows), compressed)


def _may_use_legacy_compression(data: bytes, message: int) -> bool:
    """Return whether custom metadata may declare compressed buffers, as Arrow 0.17 did; pyarrow still accepts that."""
    version = _field(data, message, 0)
    is_old = version is None or _unpack("<h", data, version) < VERSION_5
    return is_old and _field(data, message, 4) is not None


def _buffer_offsets(data: bytes, batch: int, body_length: int) -> Iterator[int]:
    """Yield the offsets of the buffers that have an uncompressed length."""
    field = _field(data, batch, 2)
    if field is None:
        return
    vector = _follow(data, field)
    for number in range(_unpack("<I", data, vector)):
        offset, length = struct.unpack_from("<qq", data, vector + 4 + 16 * number)
        if length >= 8:
            if not 0 <= offset <= body_length - length:
                raise IndexError
            yield offset


def _follow(data: bytes, at: int) -> int:
    """Return the offset of the table or vector that the relative offset at `at` refers to."""
    return at + _unpack("<I", data, at)


def _field(data: bytes, table: int, number: int) -> int | None:
    """Return the offset of a table's field; None if the field has its default."""
    vtable = table - _unpack("<i", data, table)
    if vtable < 0:
        raise IndexError
    if 4 + 2 * number >= _unpack("<H", data, vtable):
        return None
    offset = _unpack("<H", data, vtable + 4 + 2 * number)
    return table + offset if offset else None


def _unpack(form: str, data: bytes | memoryview, at: int) -> int:
    return int(struct.unpack_from(form, data, at)[0])
