"""application/x-npy: one array of NumPy's own format, its rows in order. Columns have no names."""

import io
import tempfile
import tokenize
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from service.core.blocks import FloatArray
from service.errors import BodyTooLarge, InvalidRequest, MalformedBody
from service.formats.arrays import stack
from service.formats.table import BATCH_BYTES, SPOOL_MEMORY_BYTES, Body, Columns, Format, Limits, TableReader

MEDIA_TYPE = "application/x-npy"
HEAD = 10
NOT_ONE = (ValueError, SyntaxError, TypeError, OverflowError, tokenize.TokenError, MemoryError, RecursionError)
"""What NumPy raises for a header that is none; the last two are of Python's parser, for deep nesting."""


def read(body: Body, limits: Limits) -> TableReader:
    """The table of a .npy file: (n,) or (n, k) numbers; raises MalformedBody and InvalidRequest."""
    shape, fortran, kind = _header(body)
    n, width = (shape[0], 1) if len(shape) == 1 else shape
    if fortran and width > 1 and n * width * kind.itemsize > limits.max_buffered_bytes:
        detail = f"is stored by column and larger than {limits.max_buffered_bytes} bytes; save it by row (order='C')"
        raise BodyTooLarge(f"The array {detail}.")
    is_columnar = fortran and width > 1
    return TableReader(None, width, lambda wanted: _batches(body, n, width, kind, wanted, is_columnar=is_columnar))


def write(batches: Iterator[Columns]) -> Iterator[bytes]:
    """A .npy file: (n,) of one column, (n, k) of more. Its header tells n, so the rows wait in a file."""
    with tempfile.SpooledTemporaryFile(SPOOL_MEMORY_BYTES) as rows:
        n, width = 0, 1
        for batch in batches:
            values = np.column_stack(list(batch.values()))
            n, width = n + len(values), values.shape[1]
            rows.write(values.tobytes())
        header = io.BytesIO()
        shape = (n,) if width == 1 else (n, width)
        np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": shape})
        yield header.getvalue()
        rows.seek(0)
        while piece := rows.read(BATCH_BYTES):
            yield piece


FORMAT = Format(MEDIA_TYPE, read, write, is_streaming=True)


def _header(body: Body) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    """The shape, whether it is stored by column, and the type of number."""
    start = body.read(HEAD)
    try:
        version = np.lib.format.read_magic(io.BytesIO(start))
        if version[0] == 1:
            rest, parse = start[8:10], np.lib.format.read_array_header_1_0
        else:
            rest, parse = start[8:10] + body.read(2), np.lib.format.read_array_header_2_0
        text = body.read(min(int.from_bytes(rest, "little"), 1 << 16))
        shape, fortran, kind = parse(io.BytesIO(rest + text))
    except NOT_ONE as error:
        said = str(error).splitlines() or ["Its header is nested too deeply."]
        raise MalformedBody(f"The body is no .npy file: {said[0][:200]}") from None
    if kind.hasobject or kind.kind not in "iuf" or kind.itemsize > 8:
        raise InvalidRequest.at("/x", f"holds {kind}, not numbers that a float64 can hold")
    if len(shape) not in (1, 2) or 0 in shape or min(shape, default=0) < 0:
        raise InvalidRequest.at("/x", f"has the shape {tuple(shape)}; save (n,) or (n, columns) numbers")
    return shape, fortran, kind


def _batches(
    body: Body, n: int, width: int, kind: npt.DTypeLike, wanted: Sequence[int], *, is_columnar: bool
) -> Iterator[FloatArray]:
    row_bytes = np.dtype(kind).itemsize * width
    rows = n if is_columnar else min(n, max(1, BATCH_BYTES // row_bytes))
    space = np.empty(rows * row_bytes, np.uint8)
    for start in range(0, n, rows):
        m = min(rows, n - start)
        data = space.data[: m * row_bytes]
        count = body.readinto(data)
        if count < len(data):
            got = start + count // row_bytes
            raise MalformedBody(f"The .npy file ends after {got} of the {n} rows that its header announces.")
        values = np.frombuffer(data, kind).reshape((m, width), order="F" if is_columnar else "C")
        with np.errstate(over="ignore"):
            columns = stack([values[:, column] for column in wanted])
        yield columns
