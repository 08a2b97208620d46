"""application/vnd.apache.parquet: its index stands at the end, so the body is kept in a temporary file while pyarrow
reads it, a batch of rows at a time."""

import tempfile
from collections.abc import Iterator, Sequence

import pyarrow as pa
from pyarrow import parquet

from service.core.blocks import FloatArray
from service.errors import InvalidRequest, MalformedBody
from service.formats import columnar
from service.formats.sink import Sink
from service.formats.source import BATCH_BYTES, BATCH_ROWS, Body, Columns, Format, Limits, Meter, Source

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
    return Source(names, len(names), lambda wanted: _batches(opened, wanted, limits.meter(body)))


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


def _batches(file: parquet.ParquetFile, wanted: Sequence[int], meter: Meter) -> Iterator[FloatArray]:
    columnar.check_types(file.schema_arrow, wanted)
    meter.became(_claimed(file.metadata, len(wanted)))
    names = [file.schema_arrow.names[position] for position in wanted]
    try:
        for batch in file.iter_batches(BATCH_ROWS, columns=names, use_threads=False):
            yield columnar.matrix(batch.select(names).columns)
    except UNREADABLE as error:
        raise MalformedBody(f"The Parquet file cannot be read: {columnar.reason(error)}") from None


def _claimed(metadata: parquet.FileMetaData, width: int) -> int:
    """The bytes that so many of its columns will be, by what the file's index says; raises InvalidRequest."""
    if metadata.num_columns != len(metadata.schema.to_arrow_schema()):
        raise InvalidRequest("The Parquet file has nested columns; send columns of numbers.")
    # Only of row groups: pyarrow 26 ends the process over a column's index that contradicts itself. As many rows are
    # read as they say, whatever the file's own number is.
    groups = [metadata.row_group(group) for group in range(metadata.num_row_groups)]
    inflated: int = sum(abs(group.total_byte_size) for group in groups)
    rows: int = sum(abs(group.num_rows) for group in groups)
    return max(inflated, rows * width * 8)
