"""Numbers and tables out of decoded values, vectorised: never number by number in Python."""

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from service.artifact.columns import Columns, RowShape
from service.core.blocks import FloatArray
from service.core.bounds import all_within
from service.errors import InvalidRequest, counted

MAX_MAGNITUDE = 1e150
"""Beyond this magnitude squares overflow."""

KINDS = {
    str: "text",
    bool: "a boolean",
    type(None): "null",
    list: "a list",
    np.ndarray: "a list",
    dict: "an object",
}

Kinds = frozenset[type]
NUMBERS: Kinds = frozenset({int, float})
NUMBERS_OR_NULL: Kinds = NUMBERS | {type(None)}

Pointer = Callable[[int], str]
"""The JSON pointer of the i-th number of a flat sequence."""
RowNumbers = range | npt.NDArray[np.intp]
"""The numbers that rows have in their request."""


class Table(NamedTuple):
    """Rows of x: `values` (n, d), the names of the columns if they have any, the form of a row, and whether it was
    one row given bare, or columns; the rows' numbers, if they are not all that came; and where they stand."""

    values: FloatArray
    names: tuple[str, ...] | None
    row_shape: RowShape
    is_single_row: bool = False
    is_columnar: bool = False
    row_numbers: RowNumbers | None = None
    at: str = "/x"

    @property
    def rows(self) -> RowNumbers:
        """The numbers of the rows."""
        return range(len(self.values)) if self.row_numbers is None else self.row_numbers

    def pointer(self, place: int) -> str:
        """Where the row at a place among these stands."""
        return self.at if self.is_single_row or self.is_columnar else f"{self.at}/{self.rows[place]}"

    def cell(self, row: int, column: int) -> str:
        """Where the number in a column of the row with that number stands."""
        name = escape(self.names[column]) if self.names else str(column)
        if self.is_columnar:
            return f"{self.at}/{name}/{row}"
        return f"{self.at}/{row}" if self.row_shape is RowShape.NUMBER else f"{self.at}/{row}/{name}"

    @property
    def columns(self) -> Columns:
        """The columns of a model that is trained on these rows."""
        return Columns.of(self.names, self.row_shape, self.values.shape[1])


def table(value: Any, at: str, numbers: Kinds = NUMBERS) -> Table:
    """The rows of `value`: a number, [1, 2], [[1, 2], [3, 4]], {"a": [1, 2]}, {"a": 1} or [{"a": 1}].

    With nulls among `numbers`, one in a row that is not bare is NaN. Raises InvalidRequest with pointers below `at`.
    """
    if isinstance(value, list):
        return _table_of_list(value, at, numbers)
    if isinstance(value, dict):
        return _table_of_columns(value, at, numbers)
    if isinstance(value, np.ndarray):
        return _table_of_array(value, at)
    number = vector([value], lambda _: at)
    return Table(number[:, None], None, RowShape.NUMBER, is_single_row=True)


def vector(values: list[Any], pointer: Pointer, numbers: Kinds = NUMBERS) -> FloatArray:
    """A list of numbers as float64 (n,), NaN for null where `numbers` has that kind; raises InvalidRequest at the
    first that no fit can use."""
    kinds = set(map(type, values))
    if not kinds <= numbers:
        index = next(i for i, value in enumerate(values) if type(value) not in numbers)
        hint = "; give a flat list, as in [1, 2]" if type(values[index]) is list else ""
        raise InvalidRequest.at(pointer(index), f"is {_kind(values[index])}, not a number{hint}")
    try:
        array = np.array(values, dtype=np.float64)
    except OverflowError:
        array = np.array([_float_or_infinity(value) for value in values])
    check_magnitudes(array, pointer, may_miss=type(None) in numbers)
    return array


def is_clean(array: FloatArray) -> bool:
    """Whether no number is missing, infinite or beyond ±1e150."""
    return all_within(array, MAX_MAGNITUDE)


def check_magnitudes(array: FloatArray, pointer: Pointer, *, may_miss: bool = False) -> None:
    """Refuse what is not finite or is beyond ±1e150; raises InvalidRequest at the first such number. NaN passes where
    values `may_miss`."""
    if is_clean(array):
        return
    usable = np.abs(array) <= MAX_MAGNITUDE
    if may_miss:
        usable |= np.isnan(array)
    if not usable.all():
        index = int(np.argmin(usable.ravel()))
        value = array.ravel()[index]
        what = "is beyond ±1e150, where squares overflow" if np.isfinite(value) else "is not a finite float64"
        raise InvalidRequest.at(pointer(index), what)


def stack(columns: list[FloatArray]) -> FloatArray:
    """Columns (m,) side by side as float64 (m, k), each contiguous, in memory of their own."""
    values = np.empty((len(columns[0]), len(columns)), order="F")
    for position, column in enumerate(columns):
        values[:, position] = column
    return values


def list_vector(value: Any, at: str, numbers: Kinds = NUMBERS) -> FloatArray:
    """`value` as a non-empty vector (n,); raises InvalidRequest."""
    if isinstance(value, np.ndarray) and value.ndim == 1:
        check_magnitudes(value, lambda i: f"{at}/{i}")
        return value
    if not isinstance(value, list):
        raise InvalidRequest.at(at, f"is {_kind(value)}; give a list of numbers")
    if not value:
        raise InvalidRequest.at(at, "is empty; give at least one number")
    return vector(value, lambda i: f"{at}/{i}", numbers)


def _table_of_array(values: FloatArray, at: str) -> Table:
    if values.ndim == 1:
        return Table(list_vector(values, at)[:, None], None, RowShape.NUMBER)
    d = values.shape[1]
    check_magnitudes(values, lambda i: f"{at}/{i // d}/{i % d}")
    return Table(values, None, RowShape.LIST)


def _table_of_list(rows: list[Any], at: str, numbers: Kinds) -> Table:
    if not rows:
        raise InvalidRequest.at(at, "has no rows; give at least one")
    kinds = set(map(type, rows))
    if kinds == {list}:
        return Table(_matrix(rows, at, numbers), None, RowShape.LIST)
    if kinds == {dict}:
        return _table_of_records(rows, at, numbers)
    if kinds & {list, dict}:
        _refuse_mixture(rows, at)
    return Table(vector(rows, lambda i: f"{at}/{i}", numbers)[:, None], None, RowShape.NUMBER)


def _matrix(rows: list[list[Any]], at: str, numbers: Kinds) -> FloatArray:
    d = len(rows[0])
    if d == 0:
        raise InvalidRequest.at(f"{at}/0", "has no columns; give at least one number per row")
    if set(map(len, rows)) != {d}:
        index = next(i for i, row in enumerate(rows) if len(row) != d)
        detail = f"has {counted(len(rows[index]), 'number')}, but the first row has {d}"
        raise InvalidRequest.at(f"{at}/{index}", detail)
    flat = vector(list(chain.from_iterable(rows)), lambda i: f"{at}/{i // d}/{i % d}", numbers)
    return flat.reshape(len(rows), d)


def _refuse_mixture(rows: list[Any], at: str) -> None:
    index = next(i for i, row in enumerate(rows) if type(row) is not type(rows[0]))
    raise InvalidRequest.at(f"{at}/{index}", f"is {_kind(rows[index])}, but the first row is {_kind(rows[0])}")


def _table_of_records(rows: list[dict[str, Any]], at: str, numbers: Kinds) -> Table:
    names = rows[0].keys()
    if not names:
        raise InvalidRequest.at(f"{at}/0", "has no columns; give at least one")
    if not all(map(names.__eq__, map(dict.keys, rows))):
        index = next(i for i, row in enumerate(rows) if row.keys() != names)
        detail = f"has the columns {_named(rows[index])}, but the first row has {_named(names)}"
        raise InvalidRequest.at(f"{at}/{index}", detail)
    columns = [_record_column(rows, name, at, numbers) for name in names]
    return Table(np.column_stack(columns), tuple(names), RowShape.OBJECT)


def _record_column(rows: list[dict[str, Any]], name: str, at: str, numbers: Kinds) -> FloatArray:
    return vector([row[name] for row in rows], lambda i: f"{at}/{i}/{escape(name)}", numbers)


def _table_of_columns(columns: dict[str, Any], at: str, numbers: Kinds) -> Table:
    if not columns:
        raise InvalidRequest.at(at, "has no columns; give at least one")
    pointers = [f"{at}/{escape(name)}" for name in columns]
    if not any(isinstance(column, (list, np.ndarray)) for column in columns.values()):
        row = vector(list(columns.values()), pointers.__getitem__)
        return Table(row[None, :], tuple(columns), RowShape.OBJECT, is_single_row=True)
    vectors = [
        list_vector(column, pointer, numbers) for column, pointer in zip(columns.values(), pointers, strict=True)
    ]
    n = len(vectors[0])
    for pointer, column in zip(pointers, vectors, strict=True):
        if len(column) != n:
            first = next(iter(columns))
            raise InvalidRequest.at(pointer, f"has {counted(len(column), 'number')}, but {first!r} has {n}")
    return Table(np.column_stack(vectors), tuple(columns), RowShape.OBJECT, is_columnar=True)


def escape(name: str) -> str:
    """`name` as one step of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def _float_or_infinity(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return np.inf


def _named(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


def _kind(value: Any) -> str:
    return KINDS.get(type(value), "a number")
