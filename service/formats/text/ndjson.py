"""application/x-ndjson: one JSON object of numbers per line, read and written by orjson.

orjson is faster here than pyarrow, and it accepts the same numbers as the JSON codec.
"""

import contextlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import orjson

from service.core.blocks import FloatArray
from service.errors import InvalidRequest, MalformedBody, quoted
from service.formats import arrays
from service.formats.table import Body, Columns, Format, Limits, TableReader, UnreadableCell
from service.formats.text.lines import Lines

MEDIA_TYPE = "application/x-ndjson"


def read(body: Body, _: Limits) -> TableReader:
    """Return a reader of JSON lines, whose first names the columns; raise MalformedBody or InvalidRequest."""
    lines = Lines(body)
    header = lines.read_header()
    names = _parse_names(header)
    lines.unread(header)
    return TableReader(names, len(names), partial(_batches, lines, names), labels=partial(_labels, lines, names))


def write(batches: Iterator[Columns]) -> Iterator[bytes]:
    """Yield the lines of each batch, one per row."""
    for batch in batches:
        rows = zip(*(column.tolist() for column in batch.values()), strict=True)
        lines = (orjson.dumps(dict(zip(batch, row, strict=True)), option=orjson.OPT_APPEND_NEWLINE) for row in rows)
        yield b"".join(lines)


FORMAT = Format(MEDIA_TYPE, read, write, is_streaming=True)


def _parse_names(header: bytes) -> tuple[str, ...]:
    if not header:
        raise MalformedBody('The body is empty; send a line of JSON for each row, such as {"x": 1, "y": 2}.')
    try:
        names = tuple(_parse_record(header, 0))
    except UnreadableCell as error:
        raise InvalidRequest.at("/x/0", error.detail) from None
    if not names:
        raise InvalidRequest.at("/x/0", "has no columns; give at least one")
    return names


def _batches(lines: Lines, names: tuple[str, ...], positions: Sequence[int]) -> Iterator[FloatArray]:
    first_row, allowed = 0, set(names)
    for block in lines.blocks():
        records = _parse_records(block, first_row)
        _check_names(records, allowed, first_row)
        yield arrays.stack([_column(records, names[i], first_row, j) for j, i in enumerate(positions)])
        first_row += len(records)


def _labels(lines: Lines, names: tuple[str, ...], position: int) -> Iterator[list[Any]]:
    first_row = 0
    for block in lines.blocks():
        records = _parse_records(block, first_row)
        yield [record.get(names[position]) for record in records]
        first_row += len(records)


def _parse_records(block: bytes, first_row: int) -> list[dict[str, Any]]:
    """Return the objects of `block`, parsed as one JSON array if each line is one object, else line by line."""
    lines = [line for line in block.split(b"\n") if line and not line.isspace()]
    joined = b",".join(lines)
    with contextlib.suppress(orjson.JSONDecodeError):
        records: list[dict[str, Any]] = orjson.loads(b"[" + joined + b"]")
        if len(records) == len(lines) == joined.count(b"{") and all(map(_is_enclosed, lines)):
            return records
    return [_parse_record(line, first_row + row) for row, line in enumerate(lines)]


def _is_enclosed(line: bytes) -> bool:
    """Return whether a line begins with { and ends with }.

    If all lines do, and no other { occurs, no object extends over two lines.
    """
    return line.lstrip()[:1] == b"{" and line.rstrip()[-1:] == b"}"


def _parse_record(line: bytes, row: int) -> dict[str, Any]:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise MalformedBody(f"Row {row} is not a line of JSON: {error.msg} at column {error.colno}.") from None
    if type(record) is not dict:
        raise UnreadableCell(row, None, 'is not an object of numbers by column, such as {"x": 1, "y": 2}')
    return record


def _check_names(records: list[dict[str, Any]], allowed: set[str], first_row: int) -> None:
    for row, record in enumerate(records):
        if not record.keys() <= allowed:
            unknown = next(name for name in record if name not in allowed)
            detail = f"has the column {quoted(unknown)}, which the first row does not have; leave it out"
            raise UnreadableCell(first_row + row, None, detail)


def _column(records: list[dict[str, Any]], name: str, first_row: int, column: int) -> FloatArray:
    try:
        return arrays.vector([record.get(name) for record in records], str, arrays.NUMBERS_OR_NULL)
    except InvalidRequest as error:
        [fault] = error.faults
        raise UnreadableCell(first_row + int(fault.pointer), column, fault.detail) from None
