"""The few numbers of an Arrow message's head that must be known before pyarrow acts on them.

Tables as in the FlatBuffers format, fields as in Arrow's Message.fbs: Message {version, header_type, header,
bodyLength, custom_metadata}, RecordBatch {length, nodes, buffers, compression}.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

RECORD_BATCH = 3
VERSION_5 = 4


class Head(NamedTuple):
    """What the head of a message says: how many bytes of buffers follow, how many rows they hold, and where those
    begin that are compressed. Only a record batch has the last two."""

    body_length: int
    rows: int = 0
    compressed: tuple[int, ...] = ()

    def inflated_length(self, body: memoryview) -> int:
        """The size that the compressed buffers in the message's body say they inflate to."""
        return sum(abs(_number("<q", body, offset)) for offset in self.compressed)


def read(head: bytes) -> Head:
    """What `head` says; raises struct.error or IndexError where it is not one that can be relied upon."""
    message = _table(head, 0)
    if _may_be_compressed_unsaid(head, message):
        raise IndexError
    kind, header, length = (_field(head, message, number) for number in (1, 2, 3))
    body_length = 0 if length is None else _number("<q", head, length)
    if kind is None or header is None or head[kind] != RECORD_BATCH:
        return Head(body_length)
    batch = _table(head, header)
    rows, compression = _field(head, batch, 0), _field(head, batch, 3)
    compressed = () if compression is None else tuple(_buffers(head, batch, body_length))
    return Head(body_length, 0 if rows is None else _number("<q", head, rows), compressed)


def _may_be_compressed_unsaid(head: bytes, message: int) -> bool:
    """Whether its own metadata may say that buffers are compressed, as Arrow 0.17 did: pyarrow still goes by that."""
    version = _field(head, message, 0)
    is_old = version is None or _number("<h", head, version) < VERSION_5
    return is_old and _field(head, message, 4) is not None


def _buffers(head: bytes, batch: int, body_length: int) -> Iterator[int]:
    """Where the buffers begin that are not empty."""
    field = _field(head, batch, 2)
    if field is None:
        return
    vector = _table(head, field)
    for number in range(_number("<I", head, vector)):
        offset, length = struct.unpack_from("<qq", head, vector + 4 + 16 * number)
        if length >= 8:
            if not 0 <= offset <= body_length - length:
                raise IndexError
            yield offset


def _table(data: bytes, at: int) -> int:
    """Where the table or vector begins that the offset at `at` leads to."""
    return at + _number("<I", data, at)


def _field(data: bytes, table: int, number: int) -> int | None:
    """Where the field of a table stands; None where it has its default."""
    vtable = table - _number("<i", data, table)
    if vtable < 0:
        raise IndexError
    if 4 + 2 * number >= _number("<H", data, vtable):
        return None
    offset = _number("<H", data, vtable + 4 + 2 * number)
    return table + offset if offset else None


def _number(form: str, data: bytes | memoryview, at: int) -> int:
    return int(struct.unpack_from(form, data, at)[0])
