"""application/vnd.apache.arrow.stream: record batches, read one at a time by pyarrow.

The lengths in a stream are checked before pyarrow allocates memory by them: per batch, and in sum by the decompression
budget. A batch's buffers are validated against its row count; null columns have no buffers.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from service.errors import InvalidRequest, MalformedBody
from service.formats import pyarrow_tables
from service.formats.binary import arrow_guard
from service.formats.pyarrow_tables import check_size, malformed_on_error, write_batches
from service.formats.table import BATCH_ROWS, Body, Columns, Format, Limits, TableReader

CONTINUATION = b"\xff\xff\xff\xff"

Messages = Iterator[tuple[pa.Message, arrow_guard.MessageHead, int]]
"""Each message of a stream with its head and the uncompressed length of its buffers."""


def read(body: Body, limits: Limits) -> TableReader:
    """Return a reader of an Arrow stream; raise MalformedBody."""
    messages, budget = _read_messages(body), limits.decompression_budget(body)
    with malformed_on_error("Arrow stream"):
        message, *_ = next(messages, [None])
        if message is None or message.type != "schema":
            raise MalformedBody("The body is not an Arrow stream: it does not begin with a schema.")
        schema = pa.ipc.read_schema(message)

    def record_batches(positions: Sequence[int]) -> Iterator[pa.RecordBatch]:
        for message, head, uncompressed in messages:
            if message.type == "dictionary":
                raise InvalidRequest("The Arrow stream has dictionary-encoded columns; send columns of numbers.")
            if message.type != "record batch":
                raise MalformedBody(f"The Arrow stream has a message of type {message.type}; send record batches.")
            budget.consume(max(uncompressed, head.rows * len(positions) * 8))
            _check_size(uncompressed)
            batch = pa.ipc.read_record_batch(message, schema).select(list(positions))
            batch.validate()
            for start in range(0, batch.num_rows, BATCH_ROWS):
                yield batch.slice(start, BATCH_ROWS)

    return pyarrow_tables.reader("Arrow stream", schema, record_batches)


def write(batches: Iterator[Columns]) -> Iterator[bytes]:
    """Yield an Arrow stream with a record batch for each batch."""
    return write_batches(batches, pa.ipc.new_stream)


FORMAT = Format("application/vnd.apache.arrow.stream", read, write, is_streaming=True)


def _read_messages(body: Body) -> Messages:
    """Yield the messages of a stream. All share one buffer, so a message is valid until the next is read."""
    buffer = np.empty(0, np.uint8)
    while True:
        length = body.read(4)
        if length == CONTINUATION:
            length = body.read(4)
        if length in (b"", bytes(4)):
            return
        size = int.from_bytes(length, "little", signed=True) if len(length) == 4 else -1
        _check_size(size)
        metadata = body.read(size)
        _check_complete(len(metadata), size)
        head = arrow_guard.read_head(metadata)
        _check_size(head.body_length)
        start = CONTINUATION + length + metadata
        size = len(start) + head.body_length
        if size > len(buffer):
            buffer = np.empty(size, np.uint8)
        buffer.data[: len(start)] = start
        buffers = buffer.data[len(start) : size]
        _check_complete(body.readinto(buffers), head.body_length)
        yield pa.ipc.read_message(pa.py_buffer(buffer.data[:size])), head, head.uncompressed_length(buffers)


def _check_size(size: int) -> None:
    if size < 0:
        raise MalformedBody("The Arrow stream has a message with a negative or incomplete length.")
    check_size(size, "one record batch")


def _check_complete(count: int, size: int) -> None:
    if count < size:
        raise MalformedBody(f"The Arrow stream ends {size - count} bytes before the end of its message.")
