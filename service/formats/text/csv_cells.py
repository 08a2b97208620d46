"""Convert CSV cells that pyarrow does not read as numbers: booleans, thousands separators, blank cells."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import pyarrow as pa
from pyarrow import compute
from pyarrow import csv as arrow_csv

from service.formats.bad_cells import BLANKS

MISSING = [*arrow_csv.ConvertOptions().null_values, "None", "<NA>"]
"""Cells that are missing values, as pandas reads them."""


class Dialect(NamedTuple):
    """The delimiter of fields, and the separators within numbers."""

    delimiter: str = ","
    decimal: str = "."
    thousands: str | None = None


def parse(
    block: bytes, width: int, types: dict[int, pa.DataType], missing: Sequence[str], dialect: Dialect
) -> tuple[list[pa.ChunkedArray], arrow_csv.InvalidRow | None]:
    """Return the columns of `block` at the positions of `types`, and its first row that has not `width` fields."""
    names = [str(position) for position in range(width)]
    invalid: list[arrow_csv.InvalidRow] = []

    def skip_invalid(row: arrow_csv.InvalidRow) -> str:
        invalid.append(row)
        return "skip"

    read_options = arrow_csv.ReadOptions(use_threads=False, block_size=len(block) + 1, column_names=names)
    parse_options = arrow_csv.ParseOptions(delimiter=dialect.delimiter, invalid_row_handler=skip_invalid)
    options = arrow_csv.ConvertOptions(
        column_types={names[position]: dtype for position, dtype in types.items()},
        include_columns=[names[position] for position in types],
        null_values=missing,
        strings_can_be_null=True,
        decimal_point=dialect.decimal,
    )
    table = arrow_csv.read_csv(pa.py_buffer(block), read_options, parse_options, options)
    return table.columns, invalid[0] if invalid else None


def to_numbers(cells: pa.ChunkedArray, dialect: Dialect) -> pa.ChunkedArray:
    """Return cells, read as bytes, as float64; raise ArrowInvalid. True and false are 1 and 0 in any case."""
    text: Any = compute.utf8_trim(cells.cast(pa.string()), f"\t{BLANKS}")
    text = compute.if_else(compute.is_in(text, pa.array(MISSING)), pa.scalar(None, pa.string()), text)
    for word, number in (("true", "1"), ("false", "0")):
        text = compute.replace_substring_regex(text, f"(?i)^{word}$", number)
    if dialect.thousands is not None:
        separator = f"[{BLANKS}]" if dialect.thousands == " " else re.escape(dialect.thousands)
        decimals = rf"(?:{re.escape(dialect.decimal)}\d*)?"
        grouped = rf"^[+-]?\d{{1,3}}{separator}(?:\d{{2,3}}{separator})*\d{{3}}{decimals}$"
        without = compute.replace_substring_regex(text, separator, "")
        text = compute.if_else(compute.match_substring_regex(text, grouped), without, text)
    return _cast(text, dialect)


def _cast(text: pa.ChunkedArray, dialect: Dialect) -> pa.ChunkedArray:
    if dialect.decimal != ".":
        text = compute.replace_substring(compute.replace_substring(text, ".", "!"), dialect.decimal, ".")
    return text.cast(pa.float64())


def first_unreadable(column: pa.ChunkedArray, dialect: Dialect) -> int:
    """Return the row of the first cell that is not a number, found by bisection; len(column) if all are numbers."""
    start, end = 0, len(column)
    if are_numbers(column, dialect):
        return end
    while end - start > 1:
        middle = (start + end) // 2
        if are_numbers(column.slice(start, middle - start), dialect):
            start = middle
        else:
            end = middle
    return start


def can_cast(cells: pa.ChunkedArray, dialect: Dialect) -> bool:
    """Return whether pyarrow reads all cells, which are bytes, as numbers by itself."""
    try:
        _cast(compute.ascii_trim(cells.cast(pa.string()), " \t"), dialect)
    except pa.ArrowInvalid:
        return False
    return True


def are_numbers(cells: pa.ChunkedArray, dialect: Dialect) -> bool:
    """Return whether all cells, read as bytes, are numbers."""
    try:
        to_numbers(cells, dialect)
    except pa.ArrowInvalid:
        return False
    return True


def text_of(columns: Sequence[pa.ChunkedArray], row: int, column: int) -> str:
    """Return a cell as text."""
    return str(columns[column][row].as_py().decode("utf-8", "replace"))
