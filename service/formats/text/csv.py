"""text/csv: a header that names the columns, then rows of numbers. pyarrow reads and writes it."""

import csv
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from pyarrow import compute
from pyarrow import csv as arrow_csv

from service.core.blocks import FloatArray
from service.errors import MalformedBody, counted
from service.formats import pyarrow_tables
from service.formats.table import Body, Columns, Format, Limits, TableReader, UnreadableCell
from service.formats.text.csv_rows import CsvLines

MEDIA_TYPE = "text/csv"


def read(body: Body, _: Limits) -> TableReader:
    """The table of a CSV text in UTF-8; raises MalformedBody."""
    lines = CsvLines(body)
    names = _names(lines.header())
    return TableReader(names, len(names), lambda wanted: _batches(lines, len(names), wanted))


def write(batches: Iterator[Columns]) -> Iterator[bytes]:
    """A CSV text: the header, then the rows of each batch."""
    options = arrow_csv.WriteOptions(include_header=True, quoting_style="needed")
    for batch in batches:
        sink = pa.BufferOutputStream()
        arrow_csv.write_csv(pyarrow_tables.table(batch), sink, options)
        options = arrow_csv.WriteOptions(include_header=False, quoting_style="needed")
        yield sink.getvalue().to_pybytes()


FORMAT = Format(MEDIA_TYPE, read, write, is_streaming=True)


def _names(header: bytes) -> tuple[str, ...]:
    try:
        text = header.decode("utf-8").rstrip("\r")
    except UnicodeDecodeError as error:
        raise MalformedBody(f"The CSV's header is not UTF-8: byte {error.start} starts no character.") from None
    if not text:
        raise MalformedBody("The body is empty; send CSV whose first line names the columns, such as x,y.")
    try:
        [names] = csv.reader([text], strict=True)
    except csv.Error as error:
        raise MalformedBody(f"The CSV's header cannot be read: {error}.") from None
    return tuple(names)


def _batches(lines: CsvLines, width: int, wanted: Sequence[int]) -> Iterator[FloatArray]:
    first = 0
    for block in lines.blocks():
        values = _numbers(block, width, wanted, first)
        if len(values):
            yield values
        first += len(values)


def _numbers(block: bytes, width: int, wanted: Sequence[int], first: int) -> FloatArray:
    try:
        table = _parse(block, width, wanted, pa.float64(), first)
    except pa.ArrowInvalid as error:
        raise _explained(error, block, width, wanted, first) from None
    return pyarrow_tables.matrix(table.columns)


def _parse(block: bytes, width: int, wanted: Sequence[int], kind: pa.DataType, first: int) -> pa.Table:
    names = [str(position) for position in range(width)]
    chosen = [names[position] for position in wanted]

    def refuse(row: arrow_csv.InvalidRow) -> str:
        wrong.append(row)
        return "skip"

    wrong: list[arrow_csv.InvalidRow] = []
    table = arrow_csv.read_csv(
        pa.py_buffer(block),
        arrow_csv.ReadOptions(use_threads=False, block_size=len(block) + 1, column_names=names),
        arrow_csv.ParseOptions(invalid_row_handler=refuse),
        arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(chosen, kind), include_columns=chosen, strings_can_be_null=True
        ),
    )
    if wrong:
        row = wrong[0]
        detail = f"has {counted(row.actual_columns, 'field')}, but the header has {row.expected_columns}"
        raise UnreadableCell(first + (row.number or 1) - 1, None, detail)
    return table


def _explained(
    error: pa.ArrowInvalid, block: bytes, width: int, wanted: Sequence[int], first: int
) -> UnreadableCell | MalformedBody:
    """Where in the block the first cell stands that is no number: only after a fault are they read as text."""
    try:
        table = _parse(block, width, wanted, pa.binary(), first)
    except pa.ArrowInvalid:
        return MalformedBody(f"The CSV cannot be read: {pyarrow_tables.reason(error)}")
    faults = [_first_unreadable(column) for column in table.columns]
    rows = np.array([table.num_rows if row is None else row for row in faults])
    column = int(rows.argmin())
    if rows[column] == table.num_rows:
        return MalformedBody(f"The CSV cannot be read: {pyarrow_tables.reason(error)}")
    return UnreadableCell(first + int(rows[column]), column, "is text, not a number")


def _first_unreadable(column: pa.ChunkedArray) -> int | None:
    """The first cell that is no number, in the first half of the cells if that cannot be read, and so on."""
    if _are_numbers(column):
        return None
    start, end = 0, len(column)
    while end - start > 1:
        middle = (start + end) // 2
        if _are_numbers(column.slice(start, middle - start)):
            start = middle
        else:
            end = middle
    return start


def _are_numbers(cells: pa.ChunkedArray) -> bool:
    """Whether cells that were read as bytes can be read as numbers, which may have blanks around them."""
    try:
        compute.ascii_trim(cells.cast(pa.string()), " \t").cast(pa.float64())
    except pa.ArrowInvalid:
        return False
    return True
