"""application/vnd.apache.parquet. The index is at the end of a file, so the body is spooled to a temporary file.

pyarrow allocates memory by the sizes in the index and in page headers, so both are checked before it reads them.
"""

import tempfile
from collections.abc import Iterator, Sequence
from mmap import ACCESS_READ, mmap

import pyarrow as pa
from pyarrow import parquet

from service.errors import InvalidRequest, MalformedBody
from service.formats import pyarrow_tables
from service.formats.binary import parquet_guard
from service.formats.pyarrow_tables import check_size, malformed_on_error, write_batches
from service.formats.table import BATCH_BYTES, BATCH_ROWS, Body, Columns, Format, Limits, TableReader

THRIFT_LIMITS = {"thrift_container_size_limit": 100_000, "thrift_string_size_limit": 16 << 20}
"""pyarrow allocates a list of the index by its declared length: up to 69 MB for 100,000 column chunks."""


def read(body: Body, limits: Limits) -> TableReader:
    """Return a reader of a Parquet file; raise MalformedBody or BodyTooLarge."""
    data, file = _spool(body)
    index = _index(data)
    with malformed_on_error("Parquet file"):
        row_groups = parquet_guard.read_index(index)
        opened = parquet.ParquetFile(file, buffer_size=BATCH_BYTES, **THRIFT_LIMITS)
        names = tuple(opened.schema_arrow.names)

    def record_batches(positions: Sequence[int]) -> Iterator[pa.RecordBatch]:
        wanted = [names[position] for position in positions]
        _check_flat(opened)
        chunks = [chunks[position] for chunks in row_groups for position in positions]
        size = max(_uncompressed_size(data, chunks), _declared_size(opened.metadata, len(positions)))
        limits.decompression_budget(body).consume(size)
        for batch in opened.iter_batches(BATCH_ROWS, columns=wanted, use_threads=False):
            yield batch.select(wanted)

    return pyarrow_tables.reader("Parquet file", opened.schema_arrow, record_batches)


def write(batches: Iterator[Columns]) -> Iterator[bytes]:
    """Yield a Parquet file with a row group for each batch."""
    return write_batches(batches, parquet.ParquetWriter)


FORMAT = Format("application/vnd.apache.parquet", read, write, is_streaming=False)


def _spool(body: Body) -> tuple[bytes | mmap, pa.NativeFile]:
    """Return the body and a seekable file of it: in memory if it is small, else an unlinked temporary file."""
    first = body.read(BATCH_BYTES)
    if len(first) < BATCH_BYTES:
        return first, pa.BufferReader(first)
    with tempfile.NamedTemporaryFile() as file:
        file.write(first)
        while piece := body.read(BATCH_BYTES):
            file.write(piece)
        file.flush()
        return mmap(file.fileno(), 0, access=ACCESS_READ), pa.OSFile(file.name)


def _index(data: bytes | mmap) -> bytes:
    end = len(data) - 8
    size = int.from_bytes(data[-8:-4], "little")
    if data[-4:] != b"PAR1" or size > end:
        raise MalformedBody("The Parquet file cannot be read: it does not end with an index. Send the complete file.")
    check_size(size, "its index")
    return data[end - size : end]


def _uncompressed_size(data: bytes | mmap, chunks: Sequence[parquet_guard.ColumnChunk]) -> int:
    """Return the uncompressed size of the chunks' pages in bytes. pyarrow reads pages up to a chunk's value count."""
    uncompressed = compressed = 0
    for start, values in chunks:
        at, left = start, values
        while left > 0:
            size, page_values, at = parquet_guard.read_page_header(data, at)
            check_size(size, "a page")
            uncompressed += size
            left -= page_values
        compressed += at - start
        if compressed > len(data):
            raise MalformedBody("The Parquet file cannot be read: its columns overlap.")
    return uncompressed


def _check_flat(file: parquet.ParquetFile) -> None:
    """Raise InvalidRequest if the file has nested columns."""
    columns = [file.schema.column(position) for position in range(len(file.schema))]
    if len(columns) != len(file.schema_arrow) or any(column.name != column.path for column in columns):
        raise InvalidRequest("The Parquet file has nested columns; send columns of numbers.")


def _declared_size(metadata: parquet.FileMetaData, width: int) -> int:
    """Return the size in bytes of `width` columns by the row groups' own totals."""
    # Row groups only: pyarrow 26 aborts on a column's metadata that contradicts itself, and it reads as many rows as
    # the row groups declare, not as the file does.
    groups = [metadata.row_group(group) for group in range(metadata.num_row_groups)]
    total_byte_size: int = sum(abs(group.total_byte_size) for group in groups)
    rows: int = sum(abs(group.num_rows) for group in groups)
    return max(total_byte_size, rows * width * 8)
