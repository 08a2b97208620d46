"""text/csv: a header of column names, then rows of numbers, read and written by pyarrow."""

import csv
import re
from collections.abc import Iterator, Sequence
from functools import partial

import pyarrow as pa
from pyarrow import csv as arrow_csv

from service.core.blocks import FloatArray
from service.errors import InvalidRequest, MalformedBody, counted, quoted
from service.formats import bad_cells, pyarrow_tables
from service.formats.table import Body, Columns, Format, Limits, TableReader, UnreadableCell
from service.formats.text.csv_cells import MISSING, Dialect, can_cast, first_unreadable, parse, text_of, to_numbers
from service.formats.text.csv_rows import CsvLines

MEDIA_TYPE = "text/csv"
OPTIONS = ("delimiter", "decimal", "thousands")
EMPTY_LINE = re.compile(rb"^\n", re.MULTILINE)
DELIMITERS = {";": ";", "\t": "tab", "|": "|", ",": ","}
"""The delimiters that are recognised in a header, as `delimiter=` takes them."""


def read(
    body: Body,
    _: Limits,
    *,
    default: str = ",",
    delimiter: str | None = None,
    decimal: str = ".",
    thousands: str | None = None,
) -> TableReader:
    """Return a reader of a CSV text in UTF-8; raise MalformedBody or InvalidRequest."""
    dialect = Dialect(delimiter or default, decimal, thousands)
    if decimal == thousands:
        raise InvalidRequest.at("/thousands", f"is {quoted(decimal)}, as decimal is; give two separators")
    lines = CsvLines(body, dialect.delimiter)
    header = lines.read_header()
    names = _parse_header(header, dialect.delimiter, is_given=delimiter is not None)
    rows = partial(_Rows, lines, names, dialect)
    return TableReader(
        names,
        len(names),
        lambda positions: rows(positions).batches(),
        labels=lambda position: rows([position]).labels(),
    )


def write(batches: Iterator[Columns], delimiter: str = ",") -> Iterator[bytes]:
    """Yield a CSV text: the header, then the rows of each batch. A line is not empty, since readers skip such lines."""
    options = arrow_csv.WriteOptions(quoting_style="needed", delimiter=delimiter)
    for piece in pyarrow_tables.write_batches(batches, partial(arrow_csv.CSVWriter, write_options=options)):
        has_empty_lines = piece.startswith(b"\n") or b"\n\n" in piece
        yield EMPTY_LINE.sub(b'""\n', piece) if has_empty_lines else piece


FORMAT = Format(MEDIA_TYPE, read, write, is_streaming=True, options=OPTIONS)
TAB_FORMAT = FORMAT._replace(
    media_type="text/tab-separated-values", read=partial(read, default="\t"), write=partial(write, delimiter="\t")
)


def _parse_header(header: bytes, delimiter: str, *, is_given: bool) -> tuple[str, ...]:
    """Return the names without the blanks around them."""
    try:
        text = header.decode("utf-8").rstrip("\r")
    except UnicodeDecodeError as error:
        encoding = "UTF-16" if header[:2] in (b"\xff\xfe", b"\xfe\xff") else f"not UTF-8: byte {error.start} is invalid"
        raise MalformedBody(f"The CSV header is {encoding}. Save the file with the encoding UTF-8.") from None
    try:
        [names] = csv.reader([text], strict=True, delimiter=delimiter, skipinitialspace=delimiter != " ")
    except csv.Error as error:
        _check_delimiter(text, 1, delimiter, is_given=is_given)
        raise MalformedBody(f"The CSV header cannot be read: {error}.") from None
    if not names:
        raise MalformedBody("The body is empty; send CSV whose first line names the columns, such as x,y.")
    _check_delimiter(text, len(names), delimiter, is_given=is_given)
    return tuple(name.strip() for name in names)


def _check_delimiter(header: str, width: int, delimiter: str, *, is_given: bool) -> None:
    """Raise InvalidRequest if another delimiter makes columns of a header that has one column."""
    other, count = max(
        ((each, header.count(each)) for each in DELIMITERS if each != delimiter), key=lambda each: each[1]
    )
    if width == 1 and count and not is_given:
        detail = f"the header {bad_cells.shown(header)} is one column; add delimiter={DELIMITERS[other]} to the query"
        raise InvalidRequest.at("/delimiter", f"{detail} if {quoted(other)} separates its columns")


class _Rows:
    """The rows after the header: their columns at `positions`."""

    def __init__(self, lines: CsvLines, names: Sequence[str], dialect: Dialect, positions: Sequence[int]) -> None:
        self._lines = lines
        self._names = names
        self._positions = positions
        self._dialect = dialect
        self._types = dict.fromkeys(positions, pa.float64())
        self._row = 0

    def batches(self) -> Iterator[FloatArray]:
        """Yield batches of rows; raise UnreadableCell or MalformedBody."""
        for block in self._lines.blocks():
            try:
                columns = self._read(block)
            except pa.ArrowInvalid as error:
                raise MalformedBody(f"The CSV cannot be read: {pyarrow_tables.reason(error)}") from None
            if len(columns[0]):
                yield pyarrow_tables.to_matrix(columns)
            self._row += len(columns[0])

    def labels(self) -> Iterator[pa.ChunkedArray]:
        """Yield the column of each block as bytes. Only an empty field is missing: NA may be a label."""
        for block in self._lines.blocks():
            [column] = self._parse(block, dict.fromkeys(self._positions, pa.binary()), missing=[""])
            yield column
            self._row += len(column)

    def _read(self, block: bytes) -> list[pa.ChunkedArray]:
        """Return the columns of `block` as numbers. Columns that pyarrow does not read are read as text from then."""
        try:
            columns = self._parse(block, self._types)
            return [to_numbers(cells, self._dialect) if cells.type == pa.binary() else cells for cells in columns]
        except pa.ArrowInvalid:
            columns = self._parse(block, dict.fromkeys(self._positions, pa.binary()))
        row, column = min((first_unreadable(cells, self._dialect), index) for index, cells in enumerate(columns))
        if row < len(columns[0]):
            raise self._unreadable(block, row, column, text_of(columns, row, column))
        for position, cells in zip(self._positions, columns, strict=True):
            if not can_cast(cells, self._dialect):
                self._types[position] = pa.binary()
        return [to_numbers(cells, self._dialect) for cells in columns]

    def _parse(
        self, block: bytes, types: dict[int, pa.DataType], missing: Sequence[str] = MISSING
    ) -> list[pa.ChunkedArray]:
        columns, invalid = parse(block, len(self._names), types, missing, self._dialect)
        if invalid:
            row = (invalid.number or 1) - 1
            detail = f"line {self._lines.line_of_row(block, row)}: has {counted(invalid.actual_columns, 'field')}"
            hint = f"quote a field that contains {quoted(self._dialect.delimiter)}"
            detail = f"{detail}, but the header has {invalid.expected_columns}; {hint}"
            raise UnreadableCell(self._row + row, None, detail)
        return columns

    def _unreadable(self, block: bytes, row: int, column: int, text: str) -> UnreadableCell:
        name, line = self._names[self._positions[column]], self._lines.line_of_row(block, row)
        detail = bad_cells.cell(name, line, bad_cells.not_a_number(text, in_csv=True))
        return UnreadableCell(self._row + row, column, detail)
