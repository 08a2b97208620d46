"""Rows as a fit or a prediction takes them, whatever they came as: which columns mean what, and what becomes of missing
values."""

import heapq
from collections import Counter
from collections.abc import Iterator, Sized
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from service.artifact.columns import Columns, RowShape
from service.core.blocks import Batch, FloatArray
from service.errors import Fault, InvalidRequest, counted, listed, quoted, truncate
from service.formats.arrays import Pointer, RowNumbers, Table, check_magnitudes, escape, is_clean
from service.formats.table import CellPointer, TableReader, UnreadableCell

Missing = Literal["error", "drop"]


class ColumnBlock(NamedTuple):
    """Values of some rows, (m,) or (m, k), the rows' numbers, and where a cell of theirs stands in the request."""

    values: FloatArray
    rows: RowNumbers
    cell: CellPointer

    def pointer(self, index: int) -> str:
        """Where the value at `index` of the flattened ones stands."""
        row, column = divmod(index, self.values[0].size)
        return self.cell(self.rows[row], column)

    def row_of_x(self, place: int) -> str:
        """Where the row at a place among these stands."""
        return f"/x/{self.rows[place]}"

    def without(self, dropped: npt.NDArray[np.bool_]) -> "ColumnBlock":
        """The other rows, with the numbers that they had."""
        kept = np.flatnonzero(~dropped)
        rows = self.rows.start + kept if isinstance(self.rows, range) else self.rows[kept]
        return ColumnBlock(self.values[kept], rows, self.cell)


class MissingValuePolicy:
    """Refuses rows with missing values, or drops and counts them."""

    def __init__(self, missing: Missing) -> None:
        self._missing = missing
        self.dropped = self.kept = 0

    def report(self) -> dict[str, int]:
        """How many rows were dropped, if any may be."""
        return {"dropped": self.dropped} if self._missing == "drop" else {}

    def apply(self, parts: list[ColumnBlock]) -> list[ColumnBlock]:
        """`parts` without rows that miss a value in any; raises InvalidRequest."""
        if all(is_clean(part.values) for part in parts):
            self.kept += len(parts[0].values)
            return parts
        for part in parts:
            check_magnitudes(part.values, part.pointer, may_miss=True)
        if self._missing == "error":
            raise _missing_values(parts)
        missing = np.logical_or.reduce([_rows_missing(part.values) for part in parts])
        self.dropped += int(missing.sum())
        self.kept += len(missing) - int(missing.sum())
        return [part.without(missing) for part in parts]

    def check_any_kept(self) -> None:
        """Raise InvalidRequest if every row was dropped."""
        if not self.kept:
            raise InvalidRequest.at(
                "/x", f"has {counted(self.dropped, 'row')}, and each misses a value; none is left to use"
            )

    def apply_to_table(self, table: Table) -> Table:
        """`table` without rows that miss a value; raises InvalidRequest."""
        [x] = self.apply([ColumnBlock(table.values, table.rows, table.cell)])
        return table._replace(values=x.values, row_numbers=x.rows)


@dataclass(frozen=True)
class LabelledRows:
    """Rows to train on or to evaluate with, in batches, each with where its rows stand in the request; `sieve` knows
    how many were dropped once all are read."""

    columns: Columns
    batches: Iterator[tuple[Batch, Pointer]]
    missing_values: MissingValuePolicy
    in_table: bool


@dataclass(frozen=True)
class FeatureRows:
    """Rows to predict for, in batches, each with where its rows stand in the request; the columns are called `names`,
    or have none."""

    names: tuple[str, ...] | None
    batches: Iterator[tuple[FloatArray, Pointer]]
    missing_values: MissingValuePolicy


@dataclass(frozen=True)
class ColumnSelection:
    """Which columns of a table mean what: those of x, by default all that are not y or weight."""

    x: tuple[str, ...] | None = None
    y: str = "y"
    weight: str | None = None


def labelled_table(table: Table, y: FloatArray, weight: FloatArray | None, missing: Missing) -> LabelledRows:
    """The rows of a body that was held as a whole; raises InvalidRequest."""
    n = len(table.values)
    parts = [ColumnBlock(table.values, table.rows, table.cell), ColumnBlock(y, table.rows, lambda row, _: f"/y/{row}")]
    if weight is not None:
        parts.append(ColumnBlock(weight, table.rows, lambda row, _: f"/sample_weight/{row}"))
    for part, name in zip(parts[1:], ("y", "sample_weight"), strict=False):
        check_length(f"/{name}", part.values, "number", n)
    missing_values = MissingValuePolicy(missing)
    batch = _batch(missing_values, parts)
    missing_values.check_any_kept()
    return LabelledRows(table.columns, iter([batch]), missing_values, in_table=False)


def check_length(at: str, values: Sized, noun: str, rows: int) -> None:
    """Refuse what stands `at` if there is not one for each row of x."""
    if len(values) != rows:
        detail = f"has {counted(len(values), noun)}, but x has {counted(rows, 'row')}; send one for each"
        raise InvalidRequest.at(at, detail)


def labelled_rows(source: TableReader, choice: ColumnSelection, missing: Missing) -> LabelledRows:
    """The rows of a table with a y; raises InvalidRequest that names columns."""
    roles = _roles(source, choice)
    names = None if source.names is None else tuple(source.names[i] for i in roles.x)
    columns = Columns.of(names, RowShape.LIST if names is None else RowShape.OBJECT, len(roles.x))
    missing_values = MissingValuePolicy(missing)
    return LabelledRows(columns, _labelled_batches(source, roles, missing_values), missing_values, in_table=True)


def feature_rows(source: TableReader, x: tuple[str, ...] | None, missing: Missing) -> FeatureRows:
    """The rows of a table, or of its columns `x`; raises InvalidRequest that names columns."""
    _check_names(source)
    _check_count(source, source.width if x is None else len(x))
    wanted = list(range(source.width)) if x is None else [_find(source, name, "x") for name in x]
    if not wanted:
        raise InvalidRequest.at("/x", "has no columns; give at least one")
    names = None if source.names is None else tuple(source.names[i] for i in wanted)
    missing_values = MissingValuePolicy(missing)
    return FeatureRows(names, _unlabelled_batches(source, wanted, missing_values), missing_values)


class _Roles(NamedTuple):
    """Where the columns of x, y and weight stand in a table."""

    x: list[int]
    y: int
    weight: int | None

    @property
    def all(self) -> list[int]:
        return [*self.x, self.y] + ([] if self.weight is None else [self.weight])


def _roles(source: TableReader, choice: ColumnSelection) -> _Roles:
    _check_names(source)
    if source.names is None:
        if choice != ColumnSelection():
            raise InvalidRequest("This media type has no names of columns to choose by: its last column is y.")
        if source.width < 2:
            raise InvalidRequest.at("/x", "has no columns; the last one is y, and those before it are x")
        _check_count(source, source.width - 1)
        return _Roles(list(range(source.width - 1)), source.width - 1, None)
    y = _find(source, choice.y, "y")
    weight = None if choice.weight is None else _find(source, choice.weight, "weight")
    _check_count(source, source.width - 1 - (weight is not None) if choice.x is None else len(choice.x))
    if choice.x is None:
        x = [i for i in range(source.width) if i not in (y, weight)]
    else:
        x = [_find(source, name, "x") for name in choice.x]
    if not x:
        raise InvalidRequest.at("/x", "has no columns; there is only y")
    if y in x or weight in x or y == weight or len(set(x)) < len(x):
        raise InvalidRequest("A column is chosen twice among x, y and weight; choose each once.")
    return _Roles(x, y, weight)


def _check_names(source: TableReader) -> None:
    if source.names is not None and len(set(source.names)) < source.width:
        [(twice, _)] = Counter(source.names).most_common(1)
        raise InvalidRequest.at("/x", f"column {quoted(twice)} is there more than once; give each its own name")


def _check_count(source: TableReader, d: int) -> None:
    if d > source.max_columns:
        raise InvalidRequest.at("/x", f"has {d} columns; send at most {source.max_columns} (DESCENT_MAX_COLUMNS)")


def _find(source: TableReader, name: str, role: str) -> int:
    if source.names is None:
        raise InvalidRequest.at(f"/{role}", "names a column, but this media type has no names of columns")
    if name in source.names:
        return source.names.index(name)
    there = f"the columns are {listed(source.names)}"
    raise InvalidRequest.at(f"/{role}", f"column {quoted(name)} is missing; {there}; choose another with {role}=")


def _labelled_batches(
    source: TableReader, roles: _Roles, missing_values: MissingValuePolicy
) -> Iterator[tuple[Batch, Pointer]]:
    d = len(roles.x)

    def cell(row: int, column: int) -> str:
        if column < d:
            return _cell_of_x(source, roles.x[column], row)
        return f"/y/{row}" if column == d else f"/sample_weight/{row}"

    for values, rows in _numbered(source, roles.all, cell):
        parts = [ColumnBlock(values[:, :d], rows, cell), ColumnBlock(values[:, d], rows, lambda row, _: cell(row, d))]
        if roles.weight is not None:
            parts.append(ColumnBlock(values[:, d + 1], rows, lambda row, _: cell(row, d + 1)))
        yield _batch(missing_values, parts)
    missing_values.check_any_kept()


def _unlabelled_batches(
    source: TableReader, wanted: list[int], missing_values: MissingValuePolicy
) -> Iterator[tuple[FloatArray, Pointer]]:
    """The rows that are kept; a batch without any only if there are none at all."""

    def cell(row: int, column: int) -> str:
        return _cell_of_x(source, wanted[column], row)

    for values, rows in _numbered(source, wanted, cell):
        [x] = missing_values.apply([ColumnBlock(values, rows, cell)])
        if len(x.values):
            yield x.values, x.row_of_x
    if not missing_values.kept:
        yield np.empty((0, len(wanted))), str


def _numbered(source: TableReader, wanted: list[int], cell: CellPointer) -> Iterator[tuple[FloatArray, range]]:
    """The batches of `source`, each with the numbers of its rows."""
    first = 0
    try:
        for values in source.batches(wanted):
            rows = range(first, first + len(values))
            yield values, rows
            first = rows.stop
    except UnreadableCell as fault:
        at = f"/x/{fault.row}" if fault.column is None else cell(fault.row, fault.column)
        raise InvalidRequest.at(at, fault.detail) from None
    if first == 0:
        raise InvalidRequest.at("/x", "has no rows; give at least one")


def _cell_of_x(source: TableReader, column: int, row: int) -> str:
    return f"/x/{row}/{column}" if source.names is None else f"/x/{escape(source.names[column])}/{row}"


def _batch(missing_values: MissingValuePolicy, parts: list[ColumnBlock]) -> tuple[Batch, Pointer]:
    if len(parts) == 3 and (parts[2].values < 0).any():
        raise InvalidRequest.at(parts[2].pointer(int(np.nanargmin(parts[2].values))), "is negative")
    x, y, *weight = missing_values.apply(parts)
    return Batch(x.values, y.values, weight[0].values if weight else None), x.row_of_x


def _rows_missing(values: FloatArray) -> npt.NDArray[np.bool_]:
    missing: npt.NDArray[np.bool_] = np.asarray(np.isnan(values).any(axis=tuple(range(1, values.ndim))))
    return missing


def _missing_cells(part: ColumnBlock) -> Iterator[tuple[int, str]]:
    """The row and the place of each cell without a value."""
    for index in map(int, np.flatnonzero(np.isnan(part.values))):
        yield index // part.values[0].size, part.pointer(index)


def _missing_values(parts: list[ColumnBlock]) -> InvalidRequest:
    """The first cells without a value, in order of their rows."""
    found = heapq.merge(*map(_missing_cells, parts), key=lambda cell: cell[0])
    faults = truncate(Fault(at, "is missing (null, NaN or empty)") for _, at in found)
    named = ", ".join(fault.pointer for fault in faults)
    return InvalidRequest(
        f"Values are missing (null, NaN or empty), first at {named}; give them, or missing=drop.", faults
    )
