"""The few numbers of an Arrow message's head that must be known before pyarrow acts on them.

Tables as in the FlatBuffers format, fields as in Arrow's Message.fbs: Message {version, header_type, header,
bodyLength}, RecordBatch {length, nodes, buffers, compression}.
"""

import struct


def body_length(head: bytes) -> int:
    """How many bytes of buffers follow; raises struct.error or IndexError where the head is not one."""
    at = _field(head, _table(head, 0), 3)
    return 0 if at is None else int(struct.unpack_from("<q", head, at)[0])


def inflated_length(head: bytes, data: bytes | memoryview) -> int:
    """The size that compressed buffers say they inflate to: 0 for a message without any."""
    message = _table(head, 0)
    kind, header = _field(head, message, 1), _field(head, message, 2)
    if kind is None or header is None or head[kind] != RECORD_BATCH:
        return 0
    batch = _table(head, header)
    buffers, compression = _field(head, batch, 2), _field(head, batch, 3)
    if buffers is None or compression is None:
        return 0
    vector = _table(head, buffers)
    (count,) = struct.unpack_from("<I", head, vector)
    spans = (struct.unpack_from("<qq", head, vector + 4 + 16 * i) for i in range(count))
    return sum(abs(struct.unpack_from("<q", data, offset)[0]) for offset, length in spans if length >= 8)


RECORD_BATCH = 3


def _table(data: bytes, at: int) -> int:
    """Where the table or vector begins that the offset at `at` leads to."""
    return at + int(struct.unpack_from("<I", data, at)[0])


def _field(data: bytes, table: int, number: int) -> int | None:
    """Where the field of a table stands; None where it has its default."""
    vtable = table - struct.unpack_from("<i", data, table)[0]
    if vtable < 0:
        raise IndexError
    (size,) = struct.unpack_from("<H", data, vtable)
    if 4 + 2 * number >= size:
        return None
    (offset,) = struct.unpack_from("<H", data, vtable + 4 + 2 * number)
    return table + offset if offset else None
