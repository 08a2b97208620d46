"""application/vnd.apache.parquet: its index stands at the end, so the body is kept in a temporary file while pyarrow
reads it, a batch of rows at a time."""

import tempfile
from collections.abc import Iterator, Sequence

import pyarrow as pa
from pyarrow import parquet

from service.core.blocks import FloatArray
from service.errors import BodyTooLarge, InvalidRequest, MalformedBody
from service.formats import columnar
from service.formats.sink import Sink
from service.formats.source import BATCH_BYTES, BATCH_ROWS, Body, Columns, Format, Limits, Source

MEDIA_TYPE = "application/vnd.apache.parquet"
HELD_IN_MEMORY = 1 << 20
UNREADABLE = (pa.ArrowException, OSError, UnicodeDecodeError)


def read(body: Body, limits: Limits) -> Source:
    """The table of a Parquet file; raises MalformedBody and BodyTooLarge."""
    file = _spooled(body)
    try:
        opened = parquet.ParquetFile(file, buffer_size=BATCH_BYTES)
    except UNREADABLE as error:
        raise MalformedBody(f"The Parquet file cannot be read: {columnar.reason(error)}") from None
    names = columnar.names(opened.schema_arrow)
    return Source(names, len(names), lambda wanted: _batches(opened, wanted, file.size(), limits))


def write(batches: Iterator[Columns]) -> Iterator[bytes]:
    """A Parquet file of a row group for each batch."""
    sink, writer = Sink(), None
    for batch in batches:
        table = columnar.table(batch)
        writer = writer or parquet.ParquetWriter(sink, table.schema)
        writer.write_table(table)
        yield sink.taken()
    if writer:
        writer.close()
        yield sink.taken()


FORMAT = Format(MEDIA_TYPE, read, write, streams=False)


def _spooled(body: Body) -> pa.NativeFile:
    """The body as a file that can be read from its end: in memory, or without a name on the disk."""
    first = body.read(HELD_IN_MEMORY)
    if len(first) < HELD_IN_MEMORY:
        return pa.BufferReader(first)
    with tempfile.NamedTemporaryFile() as file:
        file.write(first)
        while piece := body.read(BATCH_BYTES):
            file.write(piece)
        file.flush()
        return pa.OSFile(file.name)


def _batches(file: parquet.ParquetFile, wanted: Sequence[int], size: int, limits: Limits) -> Iterator[FloatArray]:
    columnar.check_types(file.schema_arrow, wanted)
    _check_claims(file.metadata, wanted, size, limits)
    names = [file.schema_arrow.names[position] for position in wanted]
    try:
        for batch in file.iter_batches(BATCH_ROWS, columns=names, use_threads=False):
            yield columnar.matrix(batch.select(names).columns)
    except UNREADABLE as error:
        raise MalformedBody(f"The Parquet file cannot be read: {columnar.reason(error)}") from None


def _check_claims(metadata: parquet.FileMetaData, wanted: Sequence[int], size: int, limits: Limits) -> None:
    """Refuse what would inflate past the bounds, by what the file's index says."""
    if metadata.num_columns != len(metadata.schema.to_arrow_schema()):
        raise InvalidRequest("The Parquet file has nested columns; send columns of numbers.")
    rows = metadata.num_rows
    if rows * len(wanted) * 8 > limits.inflated(size):
        raise BodyTooLarge(f"The Parquet file of {size} bytes has {rows} rows, past {limits.inflation} times its size.")
    # Only of row groups: pyarrow 26 ends the process over a column's index that contradicts itself.
    inflated = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
    if inflated > limits.inflated(size):
        raise BodyTooLarge(
            f"The Parquet file of {size} bytes inflates to {inflated}, past {limits.inflation} times it."
        )
