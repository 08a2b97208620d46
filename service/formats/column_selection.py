"""Choose the columns of a table that are x, y and the weight."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from service.errors import InvalidRequest, listed, quoted
from service.formats.table import TableReader


class ColumnSelection(NamedTuple):
    """The requested columns by name. x: all columns except y and weight by default."""

    x: tuple[str, ...] | None = None
    y: str = "y"
    weight: str | None = None


def select_labelled(table: TableReader, selection: ColumnSelection) -> tuple[list[int], list[int]]:
    """Return the positions of x, and those of y and, if there is one, the weight; raise InvalidRequest.

    Without names, y is the last column.
    """
    if table.names is not None:
        named = {"y": selection.y, "weight": selection.weight}
        others = [_find(table, name, role) for role, name in named.items() if name is not None]
    elif selection == ColumnSelection():
        others = [table.width - 1]
    else:
        raise InvalidRequest("This media type has no column names, so leave out x, y and weight: y is the last column.")
    x = select_features(table, selection.x, others)
    if len({*x, *others}) < len(x) + len(others):
        raise InvalidRequest("A column is chosen twice among x, y and weight; choose each once.")
    return x, others


def select_features(table: TableReader, x: tuple[str, ...] | None, others: Sequence[int] = ()) -> list[int]:
    """Return the positions of the columns `x`, or of all but `others`: y and the weight. Raise InvalidRequest."""
    if table.names is not None and len(set(table.names)) < table.width:
        [(name, count)] = Counter(table.names).most_common(1)
        raise InvalidRequest.at("/x", f"has {count} columns {quoted(name)}; give each its own name")
    d = table.width - len(others) if x is None else len(x)
    if d > table.max_columns:
        raise InvalidRequest.at("/x", f"has {d} columns; send at most {table.max_columns} (DESCENT_MAX_COLUMNS)")
    if x is None:
        positions = [position for position in range(table.width) if position not in others]
    else:
        positions = [_find(table, name, "x") for name in x]
    if not positions:
        missing = "there is only y; add a column" if others else "give at least one"
        raise InvalidRequest.at("/x", f"has no columns; {missing}")
    return positions


def _find(table: TableReader, name: str, role: str) -> int:
    if table.names is None:
        raise InvalidRequest.at(f"/{role}", f"is {quoted(name)}, but this media type has no column names; leave it out")
    if name in table.names:
        return table.names.index(name)
    detail = f"column {quoted(name)} is missing; the columns are {listed(table.names)}; choose another with {role}="
    raise InvalidRequest.at(f"/{role}", detail)
