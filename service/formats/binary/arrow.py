"""application/vnd.apache.arrow.stream: record batches, read one at a time by pyarrow.

The lengths in a stream are checked before pyarrow allocates memory by them: per batch, and in sum by the decompression
budget. A batch's buffers are validated against its row count; null columns have no buffers.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from service.core.blocks import FloatArray
from service.errors import InvalidRequest, MalformedBody
from service.formats import pyarrow_tables
from service.formats.binary import arrow_guard
from service.formats.table import BATCH_ROWS, Body, Columns, DecompressionBudget, Format, Limits, TableReader

MEDIA_TYPE = "application/vnd.apache.arrow.stream"
CONTINUATION = b"\xff\xff\xff\xff"


def read(body: Body, limits: Limits) -> TableReader:
    """Return a reader of an Arrow stream; raise MalformedBody."""
    messages = _Messages(body, limits.decompression_budget(body))
    schema = messages.read_schema()
    names = pyarrow_tables.names(schema)
    return TableReader(names, len(schema), lambda positions: _batches(messages, schema, positions))


def write(batches: Iterator[Columns]) -> Iterator[bytes]:
    """Yield an Arrow stream with a record batch for each batch."""
    return pyarrow_tables.write_batches(batches, pa.ipc.new_stream)


FORMAT = Format(MEDIA_TYPE, read, write, is_streaming=True)


class _Messages:
    """The messages of a stream. All share one buffer, so a message is valid until the next is read."""

    def __init__(self, body: Body, budget: DecompressionBudget) -> None:
        self._body = body
        self._budget = budget
        self._buffer = np.empty(0, np.uint8)

    def read_schema(self) -> pa.Schema:
        message = self._read_message(0)
        if message is None or message.type != "schema":
            raise MalformedBody("The body is not an Arrow stream: it does not begin with a schema.")
        return _decode(pa.ipc.read_schema, message)

    def record_batches(self, width: int) -> Iterator[pa.Message]:
        """Yield the record batches, of which `width` columns are read; raise BodyTooLarge as well."""
        while (message := self._read_message(width)) is not None:
            if message.type == "dictionary":
                raise InvalidRequest("The Arrow stream has dictionary-encoded columns; send columns of numbers.")
            if message.type != "record batch":
                raise MalformedBody(f"The Arrow stream has a message of type {message.type}; send record batches.")
            yield message

    def _read_message(self, width: int) -> pa.Message | None:
        start = self._body.read(4)
        if start == CONTINUATION:
            start = self._body.read(4)
        if start in (b"", bytes(4)):
            return None
        metadata = self._read_exactly(struct.unpack("<i", start)[0] if len(start) == 4 else -1)
        head = _parse_head(metadata)
        _check_size(head.body_length)
        message = self._allocate(metadata, head.body_length)
        buffers = message[len(message) - head.body_length :]
        _check_complete(self._body.readinto(buffers), head.body_length)
        uncompressed = head.uncompressed_length(buffers)
        self._budget.consume(max(uncompressed, head.rows * width * 8))
        _check_size(uncompressed)
        return _decode(pa.ipc.read_message, pa.py_buffer(message))

    def _allocate(self, metadata: bytes, body_length: int) -> memoryview:
        """Return a message with its metadata and space for its buffers, in place of the previous message."""
        start = CONTINUATION + struct.pack("<i", len(metadata)) + metadata
        size = len(start) + body_length
        if size > len(self._buffer):
            self._buffer = np.empty(size, np.uint8)
        message = self._buffer.data[:size]
        message[: len(start)] = start
        return message

    def _read_exactly(self, size: int) -> bytes:
        _check_size(size)
        data = self._body.read(size)
        _check_complete(len(data), size)
        return data


def _parse_head(metadata: bytes) -> arrow_guard.MessageHead:
    try:
        return arrow_guard.read_head(metadata)
    except (struct.error, IndexError):
        raise MalformedBody("The Arrow stream has a message with a damaged head.") from None


def _check_size(size: int) -> None:
    if size < 0:
        raise MalformedBody("The Arrow stream has a message with a negative or incomplete length.")
    pyarrow_tables.check_size(size, "one record batch")


def _check_complete(count: int, size: int) -> None:
    if count < size:
        raise MalformedBody(f"The Arrow stream ends {size - count} bytes before the end of its message.")


def _batches(messages: _Messages, schema: pa.Schema, positions: Sequence[int]) -> Iterator[FloatArray]:
    pyarrow_tables.check_types(schema, positions)
    for message in messages.record_batches(len(positions)):
        batch = _decode(pa.ipc.read_record_batch, message, schema).select(list(positions))
        _decode(batch.validate)
        for start in range(0, batch.num_rows, BATCH_ROWS):
            yield pyarrow_tables.to_matrix(batch.slice(start, BATCH_ROWS).columns)


def _decode(decode: Any, *arguments: Any) -> Any:
    try:
        return decode(*arguments)
    except pyarrow_tables.UNREADABLE as error:
        raise MalformedBody(f"The Arrow stream cannot be read: {pyarrow_tables.reason(error)}") from None
