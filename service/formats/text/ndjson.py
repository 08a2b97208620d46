"""application/x-ndjson: an object of numbers by column on each line. orjson reads it, which is quicker here than
pyarrow and as strict as it is with JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from service.core.blocks import FloatArray
from service.errors import InvalidRequest, MalformedBody
from service.formats import arrays
from service.formats.table import Body, Columns, Format, Limits, TableReader, UnreadableCell
from service.formats.text.lines import Lines

MEDIA_TYPE = "application/x-ndjson"


def read(body: Body, _: Limits) -> TableReader:
    """The table of lines of JSON; the first names the columns. Raises MalformedBody and InvalidRequest."""
    lines = Lines(body)
    header = lines.header()
    names = _names(header)
    return TableReader(names, len(names), lambda wanted: _batches(lines, header, names, wanted))


def write(batches: Iterator[Columns]) -> Iterator[bytes]:
    """A line for each row."""
    for batch in batches:
        rows = zip(*(column.tolist() for column in batch.values()), strict=True)
        yield b"".join(
            orjson.dumps(dict(zip(batch, row, strict=True)), option=orjson.OPT_APPEND_NEWLINE) for row in rows
        )


FORMAT = Format(MEDIA_TYPE, read, write, is_streaming=True)


def _names(header: bytes) -> tuple[str, ...]:
    if not header:
        raise MalformedBody('The body is empty; send a line of JSON for each row, such as {"x": 1, "y": 2}.')
    try:
        names = tuple(_record(header, 0))
    except UnreadableCell as fault:
        raise InvalidRequest.at("/x/0", fault.detail) from None
    if not names:
        raise InvalidRequest.at("/x/0", "has no columns; give at least one")
    return names


def _batches(lines: Lines, header: bytes, names: tuple[str, ...], wanted: Sequence[int]) -> Iterator[FloatArray]:
    first, known = 0, set(names)
    before = header + b"\n"
    for block in lines.blocks():
        records = _records(before + block, first)
        yield _numbers(records, names, known, wanted, first)
        first, before = first + len(records), b""
    if before:
        yield _numbers(_records(before, 0), names, known, wanted, 0)


def _records(block: bytes, first: int) -> list[dict[str, Any]]:
    lines = [line for line in block.split(b"\n") if line and not line.isspace()]
    together = b",".join(lines)
    try:
        records: list[dict[str, Any]] = orjson.loads(b"[" + together + b"]")
    except orjson.JSONDecodeError:
        records = []
    if len(records) == len(lines) == together.count(b"{") and all(map(_is_enclosed, lines)):
        return records
    return [_record(line, first + row) for row, line in enumerate(lines)]


def _is_enclosed(line: bytes) -> bool:
    """Whether a line begins and ends as an object does. If all do, and nothing else opens one, none is an object only
    together with the next one."""
    return line.lstrip()[:1] == b"{" and line.rstrip()[-1:] == b"}"


def _record(line: bytes, row: int) -> dict[str, Any]:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise MalformedBody(f"Row {row} is not a line of JSON: {error.msg} at column {error.colno}.") from None
    if type(record) is not dict:
        raise UnreadableCell(row, None, "is not an object of numbers by column")
    return record


def _numbers(
    records: list[dict[str, Any]], names: tuple[str, ...], known: set[str], wanted: Sequence[int], first: int
) -> FloatArray:
    if not all(record.keys() <= known for record in records):
        row, record = next((row, record) for row, record in enumerate(records) if not record.keys() <= known)
        unknown = next(name for name in record if name not in known)
        raise UnreadableCell(first + row, None, f"has a column {unknown!r}, which the first row has not")
    return arrays.stack([_column(records, names[i], first, j) for j, i in enumerate(wanted)])


def _column(records: list[dict[str, Any]], name: str, first: int, column: int) -> FloatArray:
    try:
        return arrays.vector([record.get(name) for record in records], str, arrays.NUMBERS_OR_NULL)
    except InvalidRequest as error:
        row = int(error.faults[0].pointer)
        raise UnreadableCell(first + row, column, error.faults[0].detail) from None
