"""application/vnd.apache.arrow.stream: record batches, read one at a time by pyarrow.

Lengths in a stream are claims. What they would allocate is bounded before it is, batch by batch and in sum, and a
batch's buffers are checked against its row count before they are read; columns of nulls have none.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from service.core.blocks import FloatArray
from service.errors import BodyTooLarge, InvalidRequest, MalformedBody
from service.formats import pyarrow_tables
from service.formats.binary import arrow_guard
from service.formats.table import (
    BATCH_ROWS,
    MAX_BATCH_BYTES,
    Body,
    Columns,
    DecompressionBudget,
    Format,
    Limits,
    TableReader,
)

MEDIA_TYPE = "application/vnd.apache.arrow.stream"


def read(body: Body, limits: Limits) -> TableReader:
    """The table of an Arrow stream; raises MalformedBody."""
    messages = _Messages(body, limits.decompression_budget(body))
    schema = messages.schema()
    return TableReader(pyarrow_tables.names(schema), len(schema), lambda wanted: _batches(messages, schema, wanted))


def write(batches: Iterator[Columns]) -> Iterator[bytes]:
    """An Arrow stream of a record batch for each batch."""
    return pyarrow_tables.written(batches, pa.ipc.new_stream)


FORMAT = Format(MEDIA_TYPE, read, write, is_streaming=True)


class _Messages:
    """The messages of a stream, each with its metadata and its buffers; one is gone when the next is asked for."""

    def __init__(self, body: Body, decompression_budget: DecompressionBudget) -> None:
        self._body = body
        self._budget = decompression_budget
        self._space = np.empty(0, np.uint8)

    def schema(self) -> pa.Schema:
        message = self._next(0)
        if message is None or message.type != "schema":
            raise MalformedBody("The body is no Arrow stream: it does not begin with a schema.")
        return _decoded(pa.ipc.read_schema, message)

    def batches(self, width: int) -> Iterator[pa.Message]:
        """The record batches, of which so many columns are read; raises BodyTooLarge as well."""
        while (message := self._next(width)) is not None:
            if message.type == "dictionary":
                raise InvalidRequest("The Arrow stream has dictionary-encoded columns; send numbers.")
            if message.type != "record batch":
                raise MalformedBody(f"The Arrow stream has a {message.type} where a record batch should stand.")
            yield message

    def _next(self, width: int) -> pa.Message | None:
        start = self._body.read(4)
        if start == b"\xff\xff\xff\xff":
            start = self._body.read(4)
        if start in (b"", bytes(4)):
            return None
        metadata = self._exactly(struct.unpack("<i", start)[0] if len(start) == 4 else -1)
        head = _head(metadata)
        _check_size(head.body_length)
        framed = self._framed(metadata, head.body_length)
        data = framed[len(framed) - head.body_length :]
        _check_complete(self._body.readinto(data), head.body_length)
        inflated = head.inflated_length(data)
        self._budget.consume(max(inflated, head.rows * width * 8))
        _check_size(inflated)
        return _decoded(pa.ipc.read_message, pa.py_buffer(framed))

    def _framed(self, metadata: bytes, length: int) -> memoryview:
        """A message with its metadata and room for so many bytes, in the place of the one before."""
        start = b"\xff\xff\xff\xff" + struct.pack("<i", len(metadata)) + metadata
        size = len(start) + length
        if size > len(self._space):
            self._space = np.empty(size, np.uint8)
        framed = self._space.data[:size]
        framed[: len(start)] = start
        return framed

    def _exactly(self, size: int) -> bytes:
        _check_size(size)
        data = self._body.read(size)
        _check_complete(len(data), size)
        return data


def _head(metadata: bytes) -> arrow_guard.Head:
    try:
        return arrow_guard.read(metadata)
    except (struct.error, IndexError):
        raise MalformedBody("The Arrow stream has a message whose head cannot be read.") from None


def _check_size(size: int) -> None:
    if size < 0:
        raise MalformedBody("The Arrow stream has a message of a length that cannot be.")
    if size > MAX_BATCH_BYTES:
        raise BodyTooLarge(
            f"The Arrow stream announces {size} bytes in one record batch; send at most {MAX_BATCH_BYTES}."
        )


def _check_complete(count: int, size: int) -> None:
    if count < size:
        raise MalformedBody(f"The Arrow stream ends {size - count} bytes before its message does.")


def _batches(messages: _Messages, schema: pa.Schema, wanted: Sequence[int]) -> Iterator[FloatArray]:
    pyarrow_tables.check_types(schema, wanted)
    for message in messages.batches(len(wanted)):
        batch = _decoded(pa.ipc.read_record_batch, message, schema).select(list(wanted))
        _decoded(batch.validate)
        for start in range(0, batch.num_rows, BATCH_ROWS):
            yield pyarrow_tables.matrix(batch.slice(start, BATCH_ROWS).columns)


def _decoded(decode: Any, *arguments: Any) -> Any:
    try:
        return decode(*arguments)
    except pyarrow_tables.UNREADABLE as error:
        raise MalformedBody(f"The Arrow stream cannot be read: {pyarrow_tables.reason(error)}") from None
