"""Read the lengths in an Arrow message's head before pyarrow allocates memory by them.

Tables follow the FlatBuffers format, fields Arrow's Message.fbs: Message {version, header_type, header, bodyLength,
custom_metadata}, RecordBatch {length, nodes, buffers, compression}, DictionaryBatch {id, data, isDelta}.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

DICTIONARY, RECORD_BATCH = 2, 3
VERSION_5 = 4


class MessageHead(NamedTuple):
    """The kind of a message, and the length of its buffers in bytes.

    rows, compressed: the rows and the offsets of compressed buffers, of a record batch or a dictionary. dictionary: the
    id of a dictionary, and whether it is added to the previous one.
    """

    kind: int
    body_length: int
    rows: int = 0
    compressed: tuple[int, ...] = ()
    dictionary: tuple[int, bool] | None = None

    def uncompressed_length(self, body: memoryview) -> int:
        """Return the sum of the uncompressed lengths that the compressed buffers declare."""
        return sum(abs(_unpack("<q", body, offset)) for offset in self.compressed)


def read_head(data: bytes) -> MessageHead:
    """Return the head in a message's metadata; raise struct.error or IndexError if it is damaged."""
    message = _follow(data, 0)
    if _number("<h", data, message, 0) < VERSION_5 and _field(data, message, 4):
        # Custom metadata may declare compressed buffers, as Arrow 0.17 did; pyarrow still accepts that.
        raise IndexError
    header, body_length = _field(data, message, 2), _number("<q", data, message, 3)
    kind, dictionary = _number("<b", data, message, 1), None
    if kind == DICTIONARY and header:
        batch = _follow(data, header)
        dictionary = (_number("<q", data, batch, 0), bool(_number("<b", data, batch, 2)))
        header = _field(data, batch, 1)
    if kind not in (DICTIONARY, RECORD_BATCH) or not header:
        return MessageHead(kind, body_length)
    batch = _follow(data, header)
    compressed = tuple(_buffer_offsets(data, batch, body_length)) if _field(data, batch, 3) else ()
    return MessageHead(kind, body_length, _number("<q", data, batch, 0), compressed, dictionary)


def _buffer_offsets(data: bytes, batch: int, body_length: int) -> Iterator[int]:
    """Yield the offsets of the buffers that have an uncompressed length."""
    field = _field(data, batch, 2)
    if not field:
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


def _number(form: str, data: bytes, table: int, number: int) -> int:
    """Return the value of a table's field; 0, the default of all fields that are read, if it is absent."""
    field = _field(data, table, number)
    return _unpack(form, data, field) if field else 0


def _field(data: bytes, table: int, number: int) -> int:
    """Return the offset of a table's field; 0 if the field is absent."""
    vtable = table - _unpack("<i", data, table)
    if vtable < 0:
        raise IndexError
    size = _unpack("<H", data, vtable)
    offset = _unpack("<H", data, vtable + 4 + 2 * number) if 4 + 2 * number < size else 0
    return table + offset if offset else 0


def _unpack(form: str, data: bytes | memoryview, at: int) -> int:
    return int(struct.unpack_from(form, data, at)[0])
