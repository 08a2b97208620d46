"""Validate decoded JSON values and convert them to numpy arrays, vectorised over rows and columns."""

import sys
from collections.abc import Callable, Iterable
from itertools import chain, repeat
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from service.artifact.columns import RowShape
from service.core.blocks import FloatArray
from service.core.bounds import all_within
from service.errors import InvalidRequest, counted, quoted
from service.formats.bad_cells import not_a_number

MAX_MAGNITUDE = 1e150
"""The largest magnitude whose square does not overflow, with a margin for sums."""

NAMING_RECORDS = 1000
"""The records whose keys are the columns, unless the columns are chosen."""

TYPE_NAMES = {bool: "a boolean", type(None): "null", list: "a list", np.ndarray: "a list", dict: "an object"}

Types = frozenset[type]
NUMBERS: Types = frozenset({int, float, bool})
NUMBERS_OR_NULL: Types = NUMBERS | {type(None)}

Pointer = Callable[[int], str]
"""Return the JSON pointer of the i-th number of a flat sequence."""
RowNumbers = range | npt.NDArray[np.intp]
"""The positions of rows in their request, from 0."""


class Table(NamedTuple):
    """Rows of x.

    values: (n, d). names: the column names, if any. row_shape: the JSON shape of a row. at: the JSON pointer of x.
    is_single_row: x was one row without a list around it. is_columnar: x was an object of columns.
    row_numbers: the rows' positions in the request, if rows were left out.
    """

    values: FloatArray
    names: tuple[str, ...] | None
    row_shape: RowShape
    at: str
    is_single_row: bool = False
    is_columnar: bool = False
    row_numbers: RowNumbers | None = None

    @property
    def rows(self) -> RowNumbers:
        """The positions of the rows in the request."""
        return range(len(self.values)) if self.row_numbers is None else self.row_numbers

    def pointer(self, index: int) -> str:
        """Return the JSON pointer of the row values[index]."""
        return self.at if self.is_single_row or self.is_columnar else f"{self.at}/{self.rows[index]}"

    def cell(self, row: int, column: int) -> str:
        """Return the JSON pointer of a cell, by its row's position in the request."""
        name = escape(self.names[column]) if self.names else str(column)
        if self.is_columnar:
            return f"{self.at}/{name}/{row}"
        return f"{self.at}/{row}" if self.row_shape is RowShape.NUMBER else f"{self.at}/{row}/{name}"


def table(value: Any, at: str, allowed: Types = NUMBERS) -> Table:
    """Return the rows of `value`: a number, [1, 2], [[1, 2], [3, 4]], {"a": [1, 2]}, {"a": 1} or [{"a": 1}].

    If null is `allowed`, it becomes NaN, except in a single row. Raise InvalidRequest with pointers below `at`.
    """
    if isinstance(value, list):
        return _table_of_list(value, at, allowed)
    if isinstance(value, dict):
        return _table_of_columns(value, at, allowed)
    if isinstance(value, np.ndarray):
        return _table_of_array(value, at)
    number = vector([value], lambda _: at)
    return Table(number[:, None], None, RowShape.NUMBER, at, is_single_row=True)


def vector(values: list[Any], pointer: Pointer, allowed: Types = NUMBERS) -> FloatArray:
    """Return numbers as float64 (n,), with NaN for null if `allowed`; raise InvalidRequest at the first bad value."""
    array = floats(values, pointer, allowed)
    check_magnitudes(array, pointer, allow_nan=type(None) in allowed)
    return array


def floats(values: list[Any], pointer: Pointer, allowed: Types) -> FloatArray:
    """Return what `vector` does, without checking magnitudes; an integer beyond float64 becomes infinite."""
    if not set(map(type, values)) <= allowed:
        index = next(i for i, value in enumerate(values) if type(value) not in allowed)
        raise InvalidRequest.at(pointer(index), _not_a_number(values[index]))
    try:
        return np.array(values, dtype=np.float64)
    except OverflowError:  # an integer is beyond float64
        return np.array([value if abs(value or 0) <= sys.float_info.max else np.inf for value in values], np.float64)


def is_clean(array: FloatArray) -> bool:
    """Return whether every number is finite and within ±1e150."""
    return all_within(array, MAX_MAGNITUDE)


def check_magnitudes(array: FloatArray, pointer: Pointer, *, allow_nan: bool = False) -> None:
    """Raise InvalidRequest at the first number that is not finite or is beyond ±1e150, except NaN if allowed."""
    if is_clean(array):
        return
    usable = (np.abs(array) <= MAX_MAGNITUDE) | (np.isnan(array) & allow_nan)
    if not usable.all():
        index = int(np.argmin(usable.ravel()))
        value = array.ravel()[index]
        overflow = f"is {value:g}, beyond ±1e150, where squares overflow; rescale the column"
        raise InvalidRequest.at(pointer(index), overflow if np.isfinite(value) else "is not a finite float64")


def stack(columns: list[FloatArray]) -> FloatArray:
    """Return a copy of columns (m,) as float64 (m, k) in Fortran order."""
    values = np.empty((len(columns[0]), len(columns)), order="F")
    for position, column in enumerate(columns):
        values[:, position] = column
    return values


def list_vector(value: Any, at: str, allowed: Types = NUMBERS) -> FloatArray:
    """Return a list of numbers as an array (n,), n > 0; raise InvalidRequest."""
    if isinstance(value, np.ndarray) and value.ndim == 1:
        check_magnitudes(value, lambda i: f"{at}/{i}")
        return value
    if not isinstance(value, list):
        raise InvalidRequest.at(at, f"is {_describe(value)}, not a list of numbers; give one, as in [1, 2]")
    if not value:
        raise InvalidRequest.at(at, "is empty; give at least one number")
    return vector(value, lambda i: f"{at}/{i}", allowed)


def _table_of_array(values: FloatArray, at: str) -> Table:
    if values.ndim == 1:
        return Table(list_vector(values, at)[:, None], None, RowShape.NUMBER, at)
    d = values.shape[1]
    check_magnitudes(values, lambda i: f"{at}/{i // d}/{i % d}")
    return Table(values, None, RowShape.LIST, at)


def _table_of_list(rows: list[Any], at: str, allowed: Types) -> Table:
    if not rows:
        raise InvalidRequest.at(at, "has no rows; give at least one")
    kinds = set(map(type, rows))
    if kinds == {list}:
        return Table(_matrix(rows, at, allowed), None, RowShape.LIST, at)
    if kinds == {dict}:
        names = rows[0].keys()
        if not names or not all(map(names.__eq__, map(dict.keys, rows))):
            raise InvalidRequest.at(at, "has records of different keys, or without any")
        return table_of_records(rows, at, allowed, tuple(names))
    if kinds & {list, dict}:
        index = next(i for i, row in enumerate(rows) if type(row) is not type(rows[0]))
        detail = f"is {_describe(rows[index])}, but the first row is {_describe(rows[0])}; send rows of one shape"
        raise InvalidRequest.at(f"{at}/{index}", detail)
    return Table(list_vector(rows, at, allowed)[:, None], None, RowShape.NUMBER, at)


def _matrix(rows: list[list[Any]], at: str, allowed: Types) -> FloatArray:
    d = len(rows[0])
    if d == 0:
        raise InvalidRequest.at(f"{at}/0", "has no columns; give at least one number per row")
    if set(map(len, rows)) != {d}:
        index = next(i for i, row in enumerate(rows) if len(row) != d)
        detail = f"has {counted(len(rows[index]), 'number')}, but the first row has {d}; send rows of equal length"
        raise InvalidRequest.at(f"{at}/{index}", detail)
    flat = vector(list(chain.from_iterable(rows)), lambda i: f"{at}/{i // d}/{i % d}", allowed)
    return flat.reshape(len(rows), d)


def table_of_records(rows: list[dict[str, Any]], at: str, allowed: Types, names: tuple[str, ...]) -> Table:
    """Return the columns `names` of records, with NaN for an absent key if null is `allowed`; raise InvalidRequest."""
    columns = ((values_of_key(rows, name), escape(name)) for name in names)
    return _table_of_cells(columns, at, allowed, names, RowShape.OBJECT)


def values_of_key(rows: list[dict[str, Any]], name: str) -> list[Any]:
    """Return the value of a key in each record, None where it is absent."""
    try:
        return list(map(itemgetter(name), rows))  # twice as fast as dict.get
    except KeyError:
        return [row.get(name) for row in rows]


def table_of_cells(rows: list[list[Any]], places: list[int], at: str, allowed: Types, names: tuple[str, ...]) -> Table:
    """Return the columns at the `places` in each row, which have `names`; raise InvalidRequest."""
    columns = (([row[place] for row in rows], str(place)) for place in places)
    return _table_of_cells(columns, at, allowed, names, RowShape.LIST)


def _table_of_cells(
    columns: Iterable[tuple[list[Any], str]], at: str, allowed: Types, names: tuple[str, ...], row_shape: RowShape
) -> Table:
    """Return columns, given with the reference tokens of their cells."""

    def column(cells: list[Any], token: str) -> FloatArray:
        return vector(cells, lambda row: f"{at}/{row}/{token}", allowed)

    return Table(np.column_stack([column(cells, token) for cells, token in columns]), names, row_shape, at)


def _table_of_columns(columns: dict[str, Any], at: str, allowed: Types) -> Table:
    if not columns:
        raise InvalidRequest.at(at, "has no columns; give at least one")
    pointers = [f"{at}/{escape(name)}" for name in columns]
    if not any(isinstance(column, (list, np.ndarray)) for column in columns.values()):
        row = vector(list(columns.values()), pointers.__getitem__)
        return Table(row[None, :], tuple(columns), RowShape.OBJECT, at, is_single_row=True)
    vectors = list(map(list_vector, columns.values(), pointers, repeat(allowed)))
    first, n = next(iter(columns)), len(vectors[0])
    for pointer, column in zip(pointers, vectors, strict=True):
        if len(column) != n:
            raise InvalidRequest.at(pointer, f"has {counted(len(column), 'number')}, but {quoted(first)} has {n}")
    return Table(np.column_stack(vectors), tuple(columns), RowShape.OBJECT, at, is_columnar=True)


def escape(name: str) -> str:
    """Return `name` as a reference token of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def _not_a_number(value: Any) -> str:
    if isinstance(value, str):
        return not_a_number(value)
    hints: dict[type, str] = {
        list: "; give a flat list, as in [1, 2]",
        dict: "; give each of its members a column of its own",
    }
    return f"is {_describe(value)}, not a number{hints.get(type(value), '')}"


def _describe(value: Any) -> str:
    return f"the text {quoted(value)}" if isinstance(value, str) else TYPE_NAMES.get(type(value), "a number")
