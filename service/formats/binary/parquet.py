"""application/vnd.apache.parquet. The index is at the end of a file, so the body is spooled to a temporary file.

pyarrow allocates memory by the sizes in the index and in page headers, so both are checked before it reads them.
"""

import tempfile
from collections.abc import Iterator, Sequence
from itertools import accumulate
from mmap import ACCESS_READ, mmap

import pyarrow as pa
from pyarrow import parquet

from service.errors import MalformedBody
from service.formats import pyarrow_tables, signatures
from service.formats.binary import parquet_guard
from service.formats.pyarrow_tables import check_size, malformed_on_error, write_batches
from service.formats.table import BATCH_BYTES, BATCH_ROWS, Body, Columns, Format, Limits, TableReader

SIGNATURE = b"PAR1"
THRIFT_LIMITS = {"thrift_container_size_limit": 100_000, "thrift_string_size_limit": 16 << 20}
"""pyarrow allocates a list of the index by its declared length: up to 69 MB for 100,000 column chunks."""


def read(body: Body, limits: Limits) -> TableReader:
    """Return a reader of a Parquet file; raise MalformedBody or BodyTooLarge."""
    data, file = _spool(body)
    index = _index(data)
    with malformed_on_error("Parquet file"):
        row_groups = parquet_guard.read_index(index)
        opened = parquet.ParquetFile(file, buffer_size=BATCH_BYTES, **THRIFT_LIMITS)
        leaves = _leaves(opened)

    def record_batches(positions: Sequence[int]) -> Iterator[pa.RecordBatch]:
        places = {position: place for place, position in enumerate(sorted(positions))}
        order = [places[position] for position in positions]
        indices = [index for position in places for index in leaves[position]]
        chunks = [chunks[index] for chunks in row_groups for index in indices]
        size = max(_uncompressed_size(data, chunks), _declared_size(opened.metadata, len(indices)))
        limits.decompression_budget(body).consume(size)
        groups = range(opened.num_row_groups)
        # By index, because a name may be that of several columns, or the path of a nested one.
        for batch in opened.reader.iter_batches(BATCH_ROWS, groups, column_indices=indices, use_threads=False):
            yield batch.select(order)

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
    if data[:4] != SIGNATURE:
        raise signatures.mismatch("a Parquet file", data[: signatures.NUMBER_OF_BYTES])
    end = len(data) - 8
    size = int.from_bytes(data[-8:-4], "little")
    if data[-4:] != SIGNATURE or size > end:
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


def _leaves(file: parquet.ParquetFile) -> list[range]:
    """Return the indices of the stored columns of each column; nested columns have several."""
    ends = list(accumulate(map(_count_leaves, file.schema_arrow.types)))
    if ends[-1:] != [len(file.schema)] and len(file.schema):
        raise MalformedBody("The Parquet file cannot be read: its columns are not those of its schema.")
    return list(map(range, [0, *ends], ends))


def _count_leaves(kind: pa.DataType) -> int:
    kind = kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind
    return sum(_count_leaves(kind.field(place).type) for place in range(kind.num_fields)) or 1


def _declared_size(metadata: parquet.FileMetaData, width: int) -> int:
    """Return the size in bytes of `width` columns by the row groups' own totals."""
    # Row groups only: pyarrow 26 aborts on a column's metadata that contradicts itself, and it reads as many rows as
    # the row groups declare, not as the file does.
    groups = [metadata.row_group(group) for group in range(metadata.num_row_groups)]
    total_byte_size: int = sum(abs(group.total_byte_size) for group in groups)
    rows: int = sum(abs(group.num_rows) for group in groups)
    return max(total_byte_size, rows * width * 8)
