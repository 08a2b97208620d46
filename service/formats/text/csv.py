"""text/csv: a header of column names, then rows of numbers, read and written by pyarrow."""

import csv
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pyarrow as pa
from pyarrow import compute
from pyarrow import csv as arrow_csv

from service.core.blocks import FloatArray
from service.errors import MalformedBody, counted, quoted
from service.formats import pyarrow_tables
from service.formats.table import Body, Columns, Format, Limits, TableReader, UnreadableCell
from service.formats.text.csv_rows import CsvLines

MEDIA_TYPE = "text/csv"


def read(body: Body, _: Limits) -> TableReader:
    """Return a reader of a CSV text in UTF-8; raise MalformedBody."""
    lines = CsvLines(body)
    names = _parse_header(lines.read_header())
    width = len(names)
    return TableReader(names, width, partial(_batches, lines, width), labels=partial(_labels, lines, width))


def write(batches: Iterator[Columns]) -> Iterator[bytes]:
    """Yield a CSV text: the header, then the rows of each batch."""
    options = arrow_csv.WriteOptions(quoting_style="needed")
    return pyarrow_tables.write_batches(batches, partial(arrow_csv.CSVWriter, write_options=options))


FORMAT = Format(MEDIA_TYPE, read, write, is_streaming=True)


def _parse_header(header: bytes) -> tuple[str, ...]:
    try:
        text = header.decode("utf-8").rstrip("\r")
        [names] = csv.reader([text], strict=True)
    except UnicodeDecodeError as error:
        raise MalformedBody(f"The CSV header is not UTF-8: byte {error.start} is invalid. Send UTF-8.") from None
    except csv.Error as error:
        raise MalformedBody(f"The CSV header cannot be read: {error}.") from None
    if not names:
        raise MalformedBody("The body is empty; send CSV whose first line names the columns, such as x,y.")
    return tuple(names)


def _batches(lines: CsvLines, width: int, positions: Sequence[int]) -> Iterator[FloatArray]:
    first_row = 0
    for block in lines.blocks():
        try:
            table = _parse(block, width, positions, pa.float64(), first_row)
        except pa.ArrowInvalid as error:
            reason = f"The CSV cannot be read: {pyarrow_tables.reason(error)}"
            raise _unreadable_cell(block, width, positions, first_row) or MalformedBody(reason) from None
        values = pyarrow_tables.to_matrix(table.columns)
        if len(values):
            yield values
        first_row += len(values)


def _labels(lines: CsvLines, width: int, position: int) -> Iterator[pa.ChunkedArray]:
    """Yield the column of each block as bytes. Only an empty field is missing: NA may be a label."""
    first_row = 0
    for block in lines.blocks():
        [column] = _parse(block, width, [position], pa.binary(), first_row, null_values=[""]).columns
        yield column
        first_row += len(column)


def _parse(
    block: bytes, width: int, positions: Sequence[int], dtype: pa.DataType, first_row: int, **convert: Any
) -> pa.Table:
    """Return the columns of `block` at `positions`; raise UnreadableCell for a row of another width."""
    names = [str(position) for position in range(width)]
    selected = [names[position] for position in positions]
    invalid: list[arrow_csv.InvalidRow] = []

    def skip_invalid(row: arrow_csv.InvalidRow) -> str:
        invalid.append(row)
        return "skip"

    read_options = arrow_csv.ReadOptions(use_threads=False, block_size=len(block) + 1, column_names=names)
    parse_options = arrow_csv.ParseOptions(invalid_row_handler=skip_invalid)
    types = dict.fromkeys(selected, dtype)
    options = arrow_csv.ConvertOptions(
        column_types=types, include_columns=selected, strings_can_be_null=True, **convert
    )
    table = arrow_csv.read_csv(pa.py_buffer(block), read_options, parse_options, options)
    if invalid:
        row = invalid[0]
        detail = f"has {counted(row.actual_columns, 'field')}, but the header has {row.expected_columns}"
        raise UnreadableCell(first_row + (row.number or 1) - 1, None, detail)
    return table


def _unreadable_cell(block: bytes, width: int, positions: Sequence[int], first_row: int) -> UnreadableCell | None:
    """Return the error of the first cell in `block` that is not a number, by reading the block again as text."""
    try:
        table = _parse(block, width, positions, pa.binary(), first_row)
    except pa.ArrowInvalid:
        return None
    row, column = min((_first_unreadable(cells), column) for column, cells in enumerate(table.columns))
    if row == table.num_rows:
        return None
    text = table.column(column)[row].as_py().decode("utf-8", "replace")
    return UnreadableCell(first_row + row, column, f"is {quoted(text)}, not a number; write it as in 178000.5")


def _first_unreadable(column: pa.ChunkedArray) -> int:
    """Return the row of the first cell that is not a number, found by bisection; len(column) if all are numbers."""
    start, end = 0, len(column)
    if _are_numbers(column):
        return end
    while end - start > 1:
        middle = (start + end) // 2
        if _are_numbers(column.slice(start, middle - start)):
            start = middle
        else:
            end = middle
    return start


def _are_numbers(cells: pa.ChunkedArray) -> bool:
    """Return whether all cells, read as bytes, are numbers. Spaces and tabs around a number are allowed."""
    try:
        compute.ascii_trim(cells.cast(pa.string()), " \t").cast(pa.float64())
    except pa.ArrowInvalid:
        return False
    return True
