"""application/vnd.apache.parquet: its index stands at the end, so the body is kept in a temporary file while pyarrow
reads it, a batch of rows at a time.

pyarrow takes memory for what the index and the pages' heads say. So both are read before it does.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from mmap import ACCESS_READ, mmap
from typing import TypeVar

import pyarrow as pa
from pyarrow import parquet

from service.core.blocks import FloatArray
from service.errors import BodyTooLarge, InvalidRequest, MalformedBody
from service.formats import pyarrow_tables
from service.formats.binary import parquet_guard
from service.formats.table import (
    BATCH_BYTES,
    BATCH_ROWS,
    MAX_BATCH_BYTES,
    SPOOL_MEMORY_BYTES,
    Body,
    Columns,
    DecompressionBudget,
    Format,
    Limits,
    TableReader,
)

MEDIA_TYPE = "application/vnd.apache.parquet"
Read = TypeVar("Read")


def read(body: Body, limits: Limits) -> TableReader:
    """The table of a Parquet file; raises MalformedBody and BodyTooLarge."""
    data, file = _spooled(body)
    chunks = _chunks(data, limits.decompression_budget(body))
    try:
        opened = parquet.ParquetFile(file, buffer_size=BATCH_BYTES)
    except pyarrow_tables.UNREADABLE as error:
        raise MalformedBody(f"The Parquet file cannot be read: {pyarrow_tables.reason(error)}") from None
    names = pyarrow_tables.names(opened.schema_arrow)

    def batches(wanted: Sequence[int]) -> Iterator[FloatArray]:
        pyarrow_tables.check_types(opened.schema_arrow, wanted)
        _check_flat(opened)
        inflated = _inflated(data, _of_columns(chunks, wanted))
        limits.decompression_budget(body).consume(max(inflated, _claimed(opened.metadata, len(wanted))))
        yield from _batches(opened, [names[position] for position in wanted])

    return TableReader(names, len(names), batches)


def write(batches: Iterator[Columns]) -> Iterator[bytes]:
    """A Parquet file of a row group for each batch."""
    return pyarrow_tables.written(batches, parquet.ParquetWriter)


FORMAT = Format(MEDIA_TYPE, read, write, is_streaming=False)


def _spooled(body: Body) -> tuple[bytes | mmap, pa.NativeFile]:
    """The body, and a file of it that can be read from its end: in memory, or without a name on the disk."""
    first = body.read(SPOOL_MEMORY_BYTES)
    if len(first) < SPOOL_MEMORY_BYTES:
        return first, pa.BufferReader(first)
    with tempfile.NamedTemporaryFile() as file:
        file.write(first)
        while piece := body.read(BATCH_BYTES):
            file.write(piece)
        file.flush()
        return mmap(file.fileno(), 0, access=ACCESS_READ), pa.OSFile(file.name)


def _batches(file: parquet.ParquetFile, names: list[str]) -> Iterator[FloatArray]:
    try:
        for batch in file.iter_batches(BATCH_ROWS, columns=names, use_threads=False):
            yield pyarrow_tables.matrix(batch.select(names).columns)
    except pyarrow_tables.UNREADABLE as error:
        raise MalformedBody(f"The Parquet file cannot be read: {pyarrow_tables.reason(error)}") from None


def _chunks(data: bytes | mmap, decompression_budget: DecompressionBudget) -> list[list[parquet_guard.Chunk]]:
    """Where the columns of each row group stand, by the file's index."""
    end = len(data) - 8
    size = int.from_bytes(data[-8:-4], "little")
    if data[-4:] != b"PAR1" or size > end:
        raise MalformedBody("The Parquet file cannot be read: it does not end with an index.")
    _check_size(size, "its index")
    return _understood(parquet_guard.index, data[end - size : end], decompression_budget.consume)


def _of_columns(chunks: list[list[parquet_guard.Chunk]], columns: Sequence[int]) -> list[parquet_guard.Chunk]:
    return _understood(lambda: [group[column] for group in chunks for column in columns])


def _inflated(data: bytes | mmap, chunks: Sequence[parquet_guard.Chunk]) -> int:
    """The bytes that the pages of some chunks inflate to. pyarrow reads pages until they hold a chunk's values."""
    inflated = seen = 0
    for chunk in chunks:
        at, values = chunk.start, chunk.values
        while values > 0:
            page = _understood(parquet_guard.page, data, at)
            _check_size(page.inflated, "a page")
            inflated += page.inflated
            at, values = page.end, values - page.values
        seen += at - chunk.start
        if seen > len(data):
            raise MalformedBody("The Parquet file cannot be read: its columns overlap.")
    return inflated


def _check_size(size: int, what: str) -> None:
    if size > MAX_BATCH_BYTES:
        raise BodyTooLarge(f"The Parquet file announces {size} bytes in {what}; send at most {MAX_BATCH_BYTES}.")


def _understood(read: Callable[..., Read], *arguments: object) -> Read:
    try:
        return read(*arguments)
    except (LookupError, RecursionError):
        raise MalformedBody("The Parquet file cannot be read: its index or a page's head is damaged.") from None


def _check_flat(file: parquet.ParquetFile) -> None:
    """Raise InvalidRequest unless the file's columns are those of its table, one by one."""
    columns = [file.schema.column(position) for position in range(len(file.schema))]
    if len(columns) != len(file.schema_arrow) or any(column.name != column.path for column in columns):
        raise InvalidRequest("The Parquet file has nested columns; send columns of numbers.")


def _claimed(metadata: parquet.FileMetaData, width: int) -> int:
    """The bytes that so many of its columns will be, by what the file's index says."""
    # Only of row groups: pyarrow 26 ends the process over a column's index that contradicts itself. As many rows are
    # read as they say, whatever the file's own number is.
    groups = [metadata.row_group(group) for group in range(metadata.num_row_groups)]
    inflated: int = sum(abs(group.total_byte_size) for group in groups)
    rows: int = sum(abs(group.num_rows) for group in groups)
    return max(inflated, rows * width * 8)
