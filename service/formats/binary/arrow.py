"""Arrow's stream and its file format, Feather version 2: record batches, read one at a time by pyarrow.

A file is a stream between a signature and a footer, so it is read like one, front to back. The lengths in messages are
checked before pyarrow allocates memory by them: per batch, in sum by the decompression budget, and in sum over the
dictionaries, which pyarrow keeps. A batch's buffers are validated against its row count; null columns have no buffers.
"""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import pyarrow as pa

from service.errors import MalformedBody
from service.formats import pyarrow_tables, signatures
from service.formats.binary import arrow_guard
from service.formats.pyarrow_tables import check_size, malformed_on_error, write_batches
from service.formats.table import (
    BATCH_BYTES,
    BATCH_ROWS,
    MAX_BATCH_BYTES,
    Body,
    Columns,
    DecompressionBudget,
    Format,
    Limits,
    TableReader,
)

CONTINUATION = b"\xff\xff\xff\xff"
SIGNATURE = b"ARROW1"


def read(body: Body, limits: Limits) -> TableReader:
    """Return a reader of an Arrow stream or file; raise MalformedBody."""
    with malformed_on_error("Arrow data"):
        messages = _Messages(body, limits.decompression_budget(body))
        schema = pa.ipc.open_stream(messages).schema
    return pyarrow_tables.reader("Arrow data", schema, partial(_record_batches, messages, schema))


def write(batches: Iterator[Columns]) -> Iterator[bytes]:
    """Yield an Arrow stream with a record batch for each batch."""
    return write_batches(batches, pa.ipc.new_stream)


def write_file(batches: Iterator[Columns]) -> Iterator[bytes]:
    """Yield an Arrow file with a record batch for each batch."""
    return write_batches(batches, pa.ipc.new_file)


FORMAT = Format("application/vnd.apache.arrow.stream", read, write, is_streaming=True)
FILE_FORMAT = Format("application/vnd.apache.arrow.file", read, write_file, is_streaming=True)


def _record_batches(messages: "_Messages", schema: pa.Schema, positions: Sequence[int]) -> Iterator[pa.RecordBatch]:
    """Yield the columns at `positions` in batches of at most BATCH_ROWS rows. pyarrow does not decode the others."""
    decodes = any(_has_dictionary(schema.field(position).type) for position in positions)
    messages.rewind(len(positions), None if decodes else _without_dictionaries(schema))
    places = {position: place for place, position in enumerate(sorted(positions))}
    order = [places[position] for position in positions]
    for batch in pa.ipc.open_stream(messages, options=pa.ipc.IpcReadOptions(included_fields=list(places))):
        batch.validate()
        columns = batch.select(order)
        for start in range(0, batch.num_rows, BATCH_ROWS):
            yield columns.slice(start, BATCH_ROWS)
    messages.read_footer()


def _has_dictionary(kind: pa.DataType) -> bool:
    return pa.types.is_dictionary(kind) or any(map(_has_dictionary, (field.type for field in _fields(kind))))


def _fields(kind: pa.DataType) -> list[pa.Field]:
    return [kind.field(place) for place in range(kind.num_fields)] if pa.types.is_nested(kind) else []


def _without_dictionaries(schema: pa.Schema) -> pa.Schema | None:
    """Return a schema with the indices of dictionaries as numbers, to read batches without dictionaries.

    They may follow the batches in a file. Return None if there are none, or if they are nested.
    """
    kinds = [field.type.index_type if pa.types.is_dictionary(field.type) else field.type for field in schema]
    if kinds == schema.types or any(map(_has_dictionary, kinds)):
        return None
    return pa.schema([field.with_type(kind) for field, kind in zip(schema, kinds, strict=True)])


class _Messages:
    """The checked messages of a stream or file, as a file of a stream that pyarrow reads.

    All record batches share one buffer, so a batch is valid until the next is read.
    """

    closed = False

    def __init__(self, body: Body, budget: DecompressionBudget) -> None:
        self._body = body
        self._budget = budget
        self._buffer = np.empty(0, np.uint8)
        self._dictionaries: dict[int, int] = {}
        self._columns, self._skips_dictionaries, self._is_over = 0, False, False
        start = body.read(4)
        if start == SIGNATURE[:4]:
            start += body.read(4)
        self._is_file = start == SIGNATURE + bytes(2)
        if not (self._is_file or start == CONTINUATION or _is_length(start)):
            raise signatures.mismatch("an Arrow stream or file", start + body.read(signatures.NUMBER_OF_BYTES))
        start = body.read(4) if self._is_file else start
        self._length_ahead = b""
        if self._is_file and start != CONTINUATION:
            self._schema = self._rest = self._bare_schema(start)
        else:
            self._schema = self._rest = self._next(start)

    def rewind(self, columns: int, schema: pa.Schema | None) -> None:
        """Go back from the first batch to the schema, to read a number of columns.

        With another `schema`, which has no dictionaries, those of the stream are left out.
        """
        self._rest = self._schema if schema is None else memoryview(schema.serialize())
        self._columns, self._skips_dictionaries = columns, schema is not None

    def read(self, size: int) -> memoryview:
        """Return the next `size` bytes of a message; fewer at its end, and none at the end of the stream."""
        while not self._rest and not self._is_over:
            self._rest = self._next(CONTINUATION if self._length_ahead else self._body.read(4))
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def close(self) -> None:
        """Leave the body open: it ends with the request."""

    def read_footer(self) -> None:
        """Read a file to its end; raise MalformedBody if it does not end with the signature."""
        last = SIGNATURE if not self._is_file else b""
        while self._is_file and (piece := self._body.read(BATCH_BYTES)):
            last = (last + piece)[-len(SIGNATURE) :]
        if last != SIGNATURE:
            raise MalformedBody("The Arrow file ends before the end of its footer. Send the complete file.")

    def _next(self, start: bytes) -> memoryview:
        """Return the next message, whose first four bytes are `start`; empty if it is skipped, and at the end."""
        length = (self._length_ahead or self._body.read(4)) if start == CONTINUATION else start
        self._length_ahead = b""
        if length in (b"", bytes(4)):
            self._is_over = True
            return memoryview(b"")
        size = int.from_bytes(length, "little", signed=True) if len(length) == 4 else -1
        _check_size(size)
        metadata = self._body.read(size)
        _check_complete(len(metadata), size)
        head = arrow_guard.read_head(metadata)
        _check_size(head.body_length)
        prefix = CONTINUATION + length + metadata
        is_skipped = head.dictionary is not None and self._skips_dictionaries
        is_kept = head.kind != arrow_guard.RECORD_BATCH and not is_skipped
        message = self._memory(len(prefix) + head.body_length, is_kept=is_kept)
        message[: len(prefix)] = prefix
        buffers = message[len(prefix) :]
        _check_complete(self._body.readinto(buffers), head.body_length)
        if is_skipped:
            return message[:0]
        self._check_memory(head, head.uncompressed_length(buffers))
        return message

    def _bare_schema(self, start: bytes) -> memoryview:
        """Return the schema of a file by polars. It has no length before it, so it ends where the next message starts.

        pyarrow finds the messages of a file by its footer, and so does not notice.
        """
        metadata = bytearray(start + self._body.read(4))
        while (word := self._body.read(8))[:4] != CONTINUATION:
            metadata += word
            if len(word) < 8 or len(metadata) > MAX_BATCH_BYTES:
                raise MalformedBody("The Arrow file has no record batch. Send the complete file.")
        self._length_ahead = word[4:]
        return memoryview(CONTINUATION + len(metadata).to_bytes(4, "little") + metadata)

    def _memory(self, size: int, *, is_kept: bool) -> memoryview:
        if is_kept:
            return np.empty(size, np.uint8).data
        if size > len(self._buffer):
            self._buffer = np.empty(size, np.uint8)
        return self._buffer.data[:size]

    def _check_memory(self, head: arrow_guard.MessageHead, uncompressed: int) -> None:
        """Raise BodyTooLarge if a batch, the dictionaries, or everything so far is too large."""
        size = max(uncompressed, head.rows * 8 * self._columns)
        if head.dictionary is not None:
            number, is_delta = head.dictionary
            size = max(head.body_length, uncompressed, head.rows * 8)
            self._dictionaries[number] = size + (self._dictionaries.get(number, 0) if is_delta else 0)
        if self._dictionaries:  # each batch decodes them again
            total = sum(self._dictionaries.values())
            check_size(total, "its dictionaries")
            size += total
        self._budget.consume(size)
        _check_size(uncompressed)


def _is_length(start: bytes) -> bool:
    """Return whether a stream can start with `start`: the length of a schema, as Arrow wrote before version 0.15."""
    return 0 <= int.from_bytes(start, "little") <= MAX_BATCH_BYTES and not signatures.is_known(start) and start != b""


def _check_size(size: int) -> None:
    if size < 0:
        raise MalformedBody("The Arrow data has a message with a negative or incomplete length.")
    check_size(size, "one record batch")


def _check_complete(count: int, size: int) -> None:
    if count < size:
        raise MalformedBody(f"The Arrow data ends {size - count} bytes before the end of its message.")
