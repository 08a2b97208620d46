"""application/x-npy: one array in numpy's own format, row by row. Columns have no names."""

import io
import tempfile
import tokenize
from collections.abc import Iterator, Sequence

import numpy as np

from service.core.blocks import FloatArray
from service.errors import BodyTooLarge, InvalidRequest, MalformedBody
from service.formats import signatures
from service.formats.arrays import stack
from service.formats.table import BATCH_BYTES, SPOOL_MEMORY_BYTES, Body, Columns, Format, Limits, TableReader

SIGNATURE = np.lib.format.MAGIC_PREFIX
HEADERS = {1: (2, np.lib.format.read_array_header_1_0), 2: (4, np.lib.format.read_array_header_2_0)}
"""The bytes of a header's length, and its parser, by the version of the format."""
MAX_HEADER_BYTES = 1 << 16
INVALID_HEADER = (ValueError, SyntaxError, TypeError, OverflowError, tokenize.TokenError, MemoryError, RecursionError)
"""Exceptions that numpy raises for an invalid header; Python's parser raises the last two for deep nesting."""


def read(body: Body, limits: Limits) -> TableReader:
    """Return a reader of a .npy file, (n,) or (n, k) numbers; raise MalformedBody, InvalidRequest or BodyTooLarge."""
    shape, fortran, dtype = _read_header(body)
    n, width = (*shape, 1)[:2]
    row_bytes = width * dtype.itemsize
    size = n * row_bytes
    is_columnar = fortran and width > 1
    if is_columnar and size > limits.max_buffered_bytes:
        detail = f"The array is in column order and has {size} bytes; the limit is {limits.max_buffered_bytes}."
        raise BodyTooLarge(f"{detail} Save it in row order (order='C').")

    def batches(positions: Sequence[int]) -> Iterator[FloatArray]:
        batch_rows = n if is_columnar else min(n, max(1, BATCH_BYTES // row_bytes))
        buffer = np.empty(batch_rows * row_bytes, np.uint8)
        for start in range(0, n, batch_rows):
            m = min(batch_rows, n - start)
            data = buffer.data[: m * row_bytes]
            count = body.readinto(data)
            if count < len(data):
                rows = start + count // row_bytes
                raise MalformedBody(f"The .npy file ends after {rows} of the {n} rows in its header.")
            values = np.frombuffer(data, dtype).reshape((m, width), order="F" if is_columnar else "C")
            yield stack([values[:, position] for position in positions])

    return TableReader(None, width, batches)


def write(batches: Iterator[Columns]) -> Iterator[bytes]:
    """Yield a .npy file: (n,) for one column, (n, k) for more. The header needs n, so rows are spooled to a file."""
    with tempfile.SpooledTemporaryFile(SPOOL_MEMORY_BYTES) as rows:
        n, width = 0, 1
        for batch in batches:
            values = np.column_stack([np.ma.filled(column, np.nan) for column in batch.values()])
            n, width = n + len(values), values.shape[1]
            rows.write(values.tobytes())
        header = io.BytesIO()
        shape = (n,) if width == 1 else (n, width)
        np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": shape})
        yield header.getvalue()
        rows.seek(0)
        while piece := rows.read(BATCH_BYTES):
            yield piece


FORMAT = Format("application/x-npy", read, write, is_streaming=True)


def _read_header(body: Body) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    """Return the shape, whether the order is Fortran's, and the dtype."""
    start = body.read(np.lib.format.MAGIC_LEN)
    if not start.startswith(SIGNATURE):
        raise signatures.mismatch("a .npy file", start + body.read(signatures.NUMBER_OF_BYTES))
    try:
        major, _ = np.lib.format.read_magic(io.BytesIO(start))
        length_bytes, parse = HEADERS[1 if major == 1 else 2]
        length = body.read(length_bytes)
        header = body.read(min(int.from_bytes(length, "little"), MAX_HEADER_BYTES))
        shape, fortran, dtype = parse(io.BytesIO(length + header))
    except INVALID_HEADER as error:
        lines = str(error).splitlines() or ["its header is nested too deeply."]
        raise MalformedBody(f"The body is not a .npy file: {lines[0][:200]}") from None
    if dtype.hasobject or dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise InvalidRequest.at("/x", f"has the dtype {dtype}; save booleans, integers or floats of at most 8 bytes")
    if len(shape) not in (1, 2) or 0 in shape or min(shape, default=0) < 0:
        raise InvalidRequest.at("/x", f"has the shape {tuple(shape)}; save an array of shape (n,) or (n, columns)")
    return shape, fortran, dtype
