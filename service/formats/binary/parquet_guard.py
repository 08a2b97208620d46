"""Read the offsets and sizes in a Parquet index and in page headers before pyarrow acts on them.

Structures follow parquet.thrift, fields the Thrift compact protocol. An index that pyarrow could parse differently is
refused. So field numbers must increase, and a list must have the element type of its field, because pyarrow ignores the
type that the list declares.
"""

from mmap import mmap
from typing import Any, Union

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)
FIXED_SIZES = {TRUE: 0, FALSE: 0, BYTE: 1, DOUBLE: 8}
DATA_PAGE, DATA_PAGE_V2 = 0, 3
MAX_FIELD_NUMBER = (1 << 15) - 1
MAX_I32 = (1 << 31) - 1

Data = bytes | mmap


Fields = dict[int, Union["Fields", list["Fields | int"], int]]
"""The fields of a structure to read, by number: types of integers, nested structures, and every list in it.

A list has one element: the Thrift type of its elements, or the fields of a structure.
"""

COLUMN: Fields = {5: I64, 9: I64, 11: I64, 2: [I32], 3: [BINARY], 8: [{}], 13: [{}]}
COLUMN |= {16: {2: [I64], 3: [I64]}, 17: {2: [I32]}}
COLUMN_CHUNK: Fields = {3: COLUMN, 8: {2: {1: [BINARY]}}}
ROW_GROUP: Fields = {1: [COLUMN_CHUNK], 4: [{}]}
INDEX: Fields = {2: [{}], 4: [ROW_GROUP], 5: [{}], 7: [{}]}
PAGE_HEADER: Fields = {1: I32, 2: I32, 3: I32, 5: {1: I32}, 8: {1: I32}}


ColumnChunk = tuple[int, int]
"""The offset of a column's first page in a row group, and the number of its values."""


def read_index(data: bytes) -> list[list[ColumnChunk]]:
    """Return the column chunks of each row group, in column order; raise LookupError or RecursionError if damaged."""
    index, _ = _read_struct(data, 0, INDEX)
    return [[_column_chunk(chunk[3]) for chunk in row_group[1]] for row_group in index[4]]


def read_page_header(data: Data, start: int) -> tuple[int, int, int]:
    """Return a page's uncompressed size in bytes, its number of values, and the offset after it; raise as read_index.

    The page is at the offset `start`.
    """
    header, at = _read_struct(data, start, PAGE_HEADER)
    kind, uncompressed_size, size = header[1], header[2], header[3]
    values = header[5][1] if kind == DATA_PAGE else header[8][1] if kind == DATA_PAGE_V2 else 0
    if not (0 <= uncompressed_size <= MAX_I32 and 0 <= values <= MAX_I32 and 0 <= size <= len(data) - at):
        raise IndexError
    return uncompressed_size, values, at + size


def _column_chunk(column: dict[int, Any]) -> ColumnChunk:
    start, dictionary = column[9], column.get(11, 0)
    start = min(start, dictionary) if dictionary > 0 else start
    if start < 0:
        raise IndexError
    return start, column[5]


# Each _read function reads at the offset `at` and returns a value and the offset after it; each _skip function returns
# the offset alone.


def _read_struct(data: Data, at: int, fields: Fields) -> tuple[dict[int, Any], int]:
    values: dict[int, Any] = {}
    number = 0
    while kind := (head := data[at]) & 15:
        previous = number
        number, at = (previous + (head >> 4), at + 1) if head > 15 else _read_signed(data, at + 1)
        if not previous < number <= MAX_FIELD_NUMBER:
            raise IndexError
        if number not in fields:
            at = _skip(data, at, kind)
        elif kind == fields[number]:
            values[number], at = _read_signed(data, at)
        else:
            values[number], at = _read_nested(data, at, kind, fields[number])
    return values, at + 1


def _read_nested(data: Data, at: int, kind: int, expected: Fields | list[Fields | int] | int) -> tuple[Any, int]:
    """Return a structure, or the structures of a list: no elements where none of their fields is read."""
    if kind == STRUCT and isinstance(expected, dict):
        return _read_struct(data, at, expected)
    if kind != LIST or not isinstance(expected, list):
        raise IndexError
    [element] = expected
    count, kind, at = _read_list_head(data, at)
    if count and kind != (element if isinstance(element, int) else STRUCT):
        raise IndexError
    structs = []
    for _ in range(count):
        if isinstance(element, int) or not element:
            at = _skip(data, at, kind)
        else:
            struct, at = _read_struct(data, at, element)
            structs.append(struct)
    return structs, at


def _read_list_head(data: Data, at: int) -> tuple[int, int, int]:
    """Return the number of elements, their type, and the offset of the first."""
    head = data[at]
    count, at = _read_unsigned(data, at + 1) if head > 0xEF else (head >> 4, at + 1)
    if count > len(data) - at:
        raise IndexError
    return count, head & 15, at


def _skip(data: Data, at: int, kind: int) -> int:
    if I16 <= kind <= I64:
        return _skip_integer(data, at)
    if kind == BINARY:
        size, at = _read_unsigned(data, at)
        return at + size
    if kind == STRUCT:
        while (head := data[at]) & 15:
            at = _skip(data, at + 1 if head > 15 else _skip_integer(data, at + 1), head & 15)
        return at + 1
    if kind in (LIST, SET):
        count, kind, at = _read_list_head(data, at)
        for _ in range(count):
            at = _skip(data, at, BYTE if kind in (TRUE, FALSE) else kind)
        return at
    if kind in FIXED_SIZES:
        return at + FIXED_SIZES[kind]
    raise IndexError


def _skip_integer(data: Data, at: int) -> int:
    while data[at] > 127:
        at += 1
    return at + 1


def _read_signed(data: Data, at: int) -> tuple[int, int]:
    number, at = _read_unsigned(data, at)
    return number >> 1 ^ -(number & 1), at


def _read_unsigned(data: Data, at: int) -> tuple[int, int]:
    number = data[at]
    if number < 128:
        return number, at + 1
    number = 0
    for shift in range(0, 64, 7):
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
    raise IndexError
