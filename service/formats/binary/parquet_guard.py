"""The few numbers of a Parquet file's index and of its pages' heads that must be known before pyarrow acts on them.

Structures as in parquet.thrift, fields as in Thrift's compact protocol. What is read here has to be what pyarrow reads,
so nothing may be understood in two ways: fields stand in their order, and lists hold what their place asks for, because
pyarrow goes by the place, whatever a list says.
"""

from collections.abc import Callable
from mmap import mmap
from typing import Any, NamedTuple, Union

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)
SIZES = {TRUE: 0, FALSE: 0, BYTE: 1, DOUBLE: 8}
DATA_PAGE, DATA_PAGE_2 = 0, 3

Data = bytes | mmap
Claim = Callable[[int], None]


class Items(NamedTuple):
    """A list: what its items are, and the bytes that pyarrow takes for each once it has read how many they are."""

    of: "Fields | int"
    weight: int = 0


Fields = dict[int, Union["Fields", Items, int]]
"""The fields of a structure that are looked at: the kinds of wanted numbers, the structures they are in, and every list
that pyarrow reads."""

COLUMN: Fields = {5: I64, 9: I64, 11: I64, 2: Items(I32), 3: Items(BINARY), 8: Items({}), 13: Items({})}
COLUMN |= {16: {2: Items(I64), 3: Items(I64)}, 17: {2: Items(I32)}}
CHUNK: Fields = {3: COLUMN, 8: {2: {1: Items(BINARY)}}}
GROUP: Fields = {1: Items(CHUNK, 1 << 10), 4: Items({})}
INDEX: Fields = {2: Items({}, 1 << 10), 4: Items(GROUP), 5: Items({}), 7: Items({})}
PAGE: Fields = {1: I32, 2: I32, 3: I32, 5: {1: I32}, 8: {1: I32}}


class Chunk(NamedTuple):
    """Where a column's pages in a row group begin, and how many values they hold."""

    start: int
    values: int


class Page(NamedTuple):
    """How many bytes a page inflates to, how many values of its column it holds, and where it ends."""

    inflated: int
    values: int
    end: int


def _unclaimed(size: int) -> None:
    """Nothing has to be counted."""


def index(data: bytes, claim: Claim) -> list[list[Chunk]]:
    """The chunks of each row group, in the order of the columns; `claim` is told of the bytes that pyarrow will take.

    Raises LookupError or RecursionError where the index is not one that can be relied upon.
    """
    read, _ = _structure(data, 0, INDEX, claim)
    return [[_chunk(chunk[3]) for chunk in group[1]] for group in read[4]]


def page(data: bytes | mmap, start: int) -> Page:
    """What the head of the page at `start` says; raises as `index` does."""
    read, at = _structure(data, start, PAGE)
    kind, inflated, length = read[1], read[2], read[3]
    values = read[5][1] if kind == DATA_PAGE else read[8][1] if kind == DATA_PAGE_2 else 0
    if not (0 <= inflated < 1 << 31 and 0 <= values < 1 << 31 and 0 <= length <= len(data) - at):
        raise IndexError
    return Page(inflated, values, at + length)


def _chunk(column: dict[int, Any]) -> Chunk:
    start, dictionary = column[9], column.get(11, 0)
    if 0 < dictionary < start:
        start = dictionary
    if start < 0:
        raise IndexError
    return Chunk(start, column[5])


# Each of these reads at a place, and gives the place after it.


def _structure(data: Data, at: int, fields: Fields, claim: Claim = _unclaimed) -> tuple[dict[int, Any], int]:
    found: dict[int, Any] = {}
    number = 0
    while kind := (head := data[at]) & 15:
        before = number
        number, at = (before + (head >> 4), at + 1) if head > 15 else _signed(data, at + 1)
        if not before < number < 1 << 15:
            raise IndexError
        if number not in fields:
            at = _past(data, at, kind)
        elif kind == fields[number]:
            found[number], at = _signed(data, at)
        else:
            found[number], at = _inner(data, at, kind, fields[number], claim)
    return found, at + 1


def _inner(data: Data, at: int, kind: int, wanted: Fields | Items | int, claim: Claim) -> tuple[Any, int]:
    if kind == LIST and isinstance(wanted, Items):
        return _items(data, at, wanted, claim)
    if kind == STRUCT and isinstance(wanted, dict):
        return _structure(data, at, wanted, claim)
    raise IndexError


def _items(data: Data, at: int, wanted: Items, claim: Claim) -> tuple[list[dict[int, Any]], int]:
    """Those of a list, if they are structures with wanted numbers."""
    fields = wanted.of
    count, kind, at = _length(data, at)
    if count and kind != (fields if isinstance(fields, int) else STRUCT):
        raise IndexError
    claim(count * wanted.weight)
    found = []
    for _ in range(count):
        if isinstance(fields, int) or not fields:
            at = _past(data, at, kind)
        else:
            item, at = _structure(data, at, fields, claim)
            found.append(item)
    return found, at


def _length(data: Data, at: int) -> tuple[int, int, int]:
    """How many items a list has, and of which kind."""
    head = data[at]
    count, at = _number(data, at + 1) if head > 0xEF else (head >> 4, at + 1)
    if count > len(data) - at:
        raise IndexError
    return count, head & 15, at


def _past(data: Data, at: int, kind: int) -> int:
    if I16 <= kind <= I64:
        return _past_number(data, at)
    if kind == BINARY:
        size, at = _number(data, at)
        return at + size
    if kind == STRUCT:
        while (head := data[at]) & 15:
            at = _past(data, at + 1 if head > 15 else _past_number(data, at + 1), head & 15)
        return at + 1
    if kind in (LIST, SET):
        return _past_items(data, at)
    if kind in SIZES:
        return at + SIZES[kind]
    raise IndexError


def _past_items(data: Data, at: int) -> int:
    count, kind, at = _length(data, at)
    for _ in range(count):
        at = _past(data, at, BYTE if kind in (TRUE, FALSE) else kind)
    return at


def _past_number(data: Data, at: int) -> int:
    while data[at] > 127:
        at += 1
    return at + 1


def _signed(data: Data, at: int) -> tuple[int, int]:
    number, at = _number(data, at)
    return number >> 1 ^ -(number & 1), at


def _number(data: Data, at: int) -> tuple[int, int]:
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
