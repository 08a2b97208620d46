"""application/x-ndjson: one JSON object of numbers per line, read and written by orjson.

orjson is faster here than pyarrow, and it accepts the same numbers as the JSON codec.
"""

import contextlib
from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from itertools import chain, islice
from typing import Any

import orjson

from service.core.blocks import FloatArray
from service.errors import InvalidRequest, MalformedBody
from service.formats import arrays, bad_cells
from service.formats.arrays import NAMING_RECORDS
from service.formats.table import (
    MAX_BATCH_BYTES,
    Body,
    Columns,
    Format,
    Limits,
    RecordNames,
    TableReader,
    UnreadableCell,
)
from service.formats.text.lines import Lines

MEDIA_TYPE = "application/x-ndjson"


def read(body: Body, _: Limits) -> TableReader:
    """Return a reader of JSON lines, whose first records name the columns; raise MalformedBody or InvalidRequest."""
    blocks = _blocks(Lines(body))
    try:
        head, names = _read_head(blocks)
    except UnreadableCell as error:
        raise InvalidRequest.at(f"/x/{error.row}", error.detail) from None
    if not head:
        raise MalformedBody('The body is empty; send a line of JSON for each row, such as {"x": 1, "y": 2}.')
    if not names.names:
        raise InvalidRequest.at("/x/0", "has no columns; give at least one")
    rows = chain(_drain(head), blocks)
    return TableReader(
        names.names,
        len(names.names),
        partial(_batches, rows, names),
        labels=lambda position: (block.values(names.names[position]) for block in rows),
        records=names,
    )


def write(batches: Iterator[Columns]) -> Iterator[bytes]:
    """Yield the lines of each batch, one per row."""
    for batch in batches:
        rows = zip(*(column.tolist() for column in batch.values()), strict=True)
        lines = (orjson.dumps(dict(zip(batch, row, strict=True)), option=orjson.OPT_APPEND_NEWLINE) for row in rows)
        yield b"".join(lines)


FORMAT = Format(MEDIA_TYPE, read, write, is_streaming=True)


class _Block:
    """Complete lines of the body. line: the number of the first line. row: the number of the first record."""

    def __init__(self, text: bytes, line: int, row: int) -> None:
        self._lines = text.split(b"\n")
        self._line = line
        self.size = len(text)
        self.row = row

    @cached_property
    def records(self) -> list[dict[str, Any]]:
        """The objects, parsed as one JSON array if each line is one object, else line by line."""
        lines = [line for line in self._lines if line and not line.isspace()]
        joined = b",".join(lines)
        with contextlib.suppress(orjson.JSONDecodeError):
            records: list[dict[str, Any]] = orjson.loads(b"[" + joined + b"]")
            if len(records) == len(lines) == joined.count(b"{") and all(map(_is_enclosed, lines)):
                return records
        return [self._parse_record(line, row) for row, line in enumerate(lines)]

    def _parse_record(self, line: bytes, row: int) -> dict[str, Any]:
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise MalformedBody(
                f"Line {self.line_of_row(row)} is not JSON: {error.msg} at column {error.colno}."
            ) from None
        if type(record) is not dict:
            raise self.error(row, None, 'is not an object of numbers by column, such as {"x": 1, "y": 2}')
        return record

    def line_of_row(self, row: int) -> int:
        """Return the number of the line of a record in this block."""
        lines = (number for number, line in enumerate(self._lines, self._line) if line and not line.isspace())
        return next(islice(lines, row, None))

    def values(self, name: str) -> list[Any]:
        """Return the values of a column, None for an absent key."""
        return arrays.values_of_key(self.records, name)

    def column(self, name: str, column: int) -> FloatArray:
        """Return the values of the `column`-th requested column, NaN for an absent key; raise UnreadableCell."""
        try:
            return arrays.floats(self.values(name), str, arrays.NUMBERS_OR_NULL)
        except InvalidRequest as error:
            [fault] = error.faults
            row = int(fault.pointer)
            detail = bad_cells.cell(name, self.line_of_row(row), fault.detail)
            raise UnreadableCell(self.row + row, column, detail) from None

    def check_names(self, names: set[str]) -> None:
        """Raise UnreadableCell for the first record with a name that is not among `names`."""
        for row, record in enumerate(self.records):
            if not record.keys() <= names:
                unknown = next(name for name in record if name not in names)
                raise self.error(row, None, bad_cells.late_name(unknown))

    def error(self, row: int, column: int | None, detail: str) -> UnreadableCell:
        """Return the error of a record in this block."""
        return UnreadableCell(self.row + row, column, f"line {self.line_of_row(row)}: {detail}")


def _blocks(lines: Lines) -> Iterator[_Block]:
    row = 0
    for text in lines.blocks():
        block = _Block(text, lines.line, row)
        row += len(block.records)
        yield block


def _read_head(blocks: Iterator[_Block]) -> tuple[list[_Block], RecordNames]:
    """Return the blocks of the records that name the columns, and the names."""
    head: list[_Block] = []
    names: dict[str, None] = {}
    size = 0
    for block in blocks:
        names |= dict.fromkeys(chain.from_iterable(block.records[: NAMING_RECORDS - block.row]))
        size += block.size
        is_last = block.row + len(block.records) >= NAMING_RECORDS or size > MAX_BATCH_BYTES
        if head:
            del block.records  # to hold the records of one block only; they are parsed again
        head.append(block)
        if is_last:
            return head, RecordNames(list(names), is_complete=False)
    return head, RecordNames(list(names), is_complete=True)


def _drain(head: list[_Block]) -> Iterator[_Block]:
    """Yield the blocks and let go of each, since its records are parsed again."""
    while head:
        yield head.pop(0)


def _batches(blocks: Iterator[_Block], names: RecordNames, positions: Sequence[int]) -> Iterator[FloatArray]:
    known, unseen = set(names.names), set(names.added)
    for block in blocks:
        if names.refuses_others:
            block.check_names(known)
        if unseen:
            unseen.difference_update(*block.records)
        yield arrays.stack([block.column(names.names[position], index) for index, position in enumerate(positions)])
    names.check_found(unseen)


def _is_enclosed(line: bytes) -> bool:
    """Return whether a line begins with { and ends with }.

    If all lines do, and no other { occurs, no object extends over two lines.
    """
    return line.lstrip()[:1] == b"{" and line.rstrip()[-1:] == b"}"
