"""Choose the columns of a table that are x, y and the weight."""

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from service.errors import InvalidRequest, listed, quoted
from service.formats.table import TableReader


@dataclass(frozen=True)
class ColumnSelection:
    """The requested columns by name. x: all columns except y and weight by default."""

    x: tuple[str, ...] | None = None
    y: str = "y"
    weight: str | None = None


class ColumnPositions(NamedTuple):
    """The positions of x, y and weight among the columns of a table."""

    x: list[int]
    y: int
    weight: int | None

    @property
    def all(self) -> list[int]:
        """The positions of x, then y, then weight if there is one."""
        return [*self.x, self.y] + ([] if self.weight is None else [self.weight])


def select_labelled(table: TableReader, selection: ColumnSelection) -> ColumnPositions:
    """Return the positions of x, y and weight; without names, y is the last column. Raise InvalidRequest."""
    _check_names(table)
    if table.names is None:
        return _select_unnamed(table, selection)
    y = _find(table, selection.y, "y")
    weight = None if selection.weight is None else _find(table, selection.weight, "weight")
    _check_count(table, table.width - 1 - (weight is not None) if selection.x is None else len(selection.x))
    if selection.x is None:
        x = [position for position in range(table.width) if position not in (y, weight)]
    else:
        x = [_find(table, name, "x") for name in selection.x]
    if not x:
        raise InvalidRequest.at("/x", "has no columns; there is only y")
    if y in x or weight in x or y == weight or len(set(x)) < len(x):
        raise InvalidRequest("A column is chosen twice among x, y and weight; choose each once.")
    return ColumnPositions(x, y, weight)


def select_features(table: TableReader, x: tuple[str, ...] | None) -> list[int]:
    """Return the positions of the columns `x`, or of all columns; raise InvalidRequest."""
    _check_names(table)
    _check_count(table, table.width if x is None else len(x))
    positions = list(range(table.width)) if x is None else [_find(table, name, "x") for name in x]
    if not positions:
        raise InvalidRequest.at("/x", "has no columns; give at least one")
    return positions


def _select_unnamed(table: TableReader, selection: ColumnSelection) -> ColumnPositions:
    if selection != ColumnSelection():
        raise InvalidRequest("This media type has no column names, so leave out x, y and weight: y is the last column.")
    if table.width < 2:
        raise InvalidRequest.at("/x", "has no columns; y is the last column, and x those before it")
    _check_count(table, table.width - 1)
    return ColumnPositions(list(range(table.width - 1)), table.width - 1, None)


def _check_names(table: TableReader) -> None:
    if table.names is not None and len(set(table.names)) < table.width:
        [(name, count)] = Counter(table.names).most_common(1)
        raise InvalidRequest.at("/x", f"has {count} columns {quoted(name)}; give each its own name")


def _check_count(table: TableReader, d: int) -> None:
    if d > table.max_columns:
        raise InvalidRequest.at("/x", f"has {d} columns; send at most {table.max_columns} (DESCENT_MAX_COLUMNS)")


def _find(table: TableReader, name: str, role: str) -> int:
    if table.names is None:
        raise InvalidRequest.at(f"/{role}", f"is {quoted(name)}, but this media type has no column names; leave it out")
    if name in table.names:
        return table.names.index(name)
    detail = f"column {quoted(name)} is missing; the columns are {listed(table.names)}; choose another with {role}="
    raise InvalidRequest.at(f"/{role}", detail)
