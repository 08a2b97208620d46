"""Choose the columns of a table that are x, y and the weight."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from service.artifact.columns import Columns
from service.errors import InvalidRequest, listed, quoted
from service.formats.table import TableReader


class ColumnSelection(NamedTuple):
    """The requested columns by name. x: all columns except y and weight by default."""

    x: tuple[str, ...] | None = None
    y: str = "y"
    weight: str | None = None


class SelectedColumns(NamedTuple):
    """The positions of x, and those of y and, if there is one, the weight; the names of ignored columns."""

    x: list[int]
    others: list[int]
    ignored: tuple[str, ...]


def select_labelled(table: TableReader, selection: ColumnSelection, model: Columns | None = None) -> SelectedColumns:
    """Return the columns of a table with y; raise InvalidRequest. Without names, y is the last column."""
    if table.names is not None:
        named = {"y": selection.y, "weight": selection.weight}
        found = {role: find(table, name, role) for role, name in named.items() if name is not None}
        for role, position in found.items():
            check_names(table, [position], role)
        others = list(found.values())
    elif selection == ColumnSelection():
        others = [table.width - 1]
    else:
        raise InvalidRequest("This media type has no column names, so leave out x, y and weight: y is the last column.")
    selected = select_features(table, selection.x, model, others)
    if len({*selected.x, *others}) < len(selected.x) + len(others):
        raise InvalidRequest("A column is chosen twice among x, y and weight; choose each once.")
    return selected


def select_features(
    table: TableReader, x: tuple[str, ...] | None, model: Columns | None = None, others: Sequence[int] = ()
) -> SelectedColumns:
    """Return the columns `x`, by default those of the `model`, else all except `others` and the index.

    Raises InvalidRequest.
    """
    if table.names is None:
        _check_count(table, table.width - len(others))  # the header of a .npy file may announce any width
    names, rest = table.names, [position for position in range(table.width) if position not in others]
    if x is not None:
        positions = rest = [find(table, name, "x") for name in x]
        if len(set(x)) < len(x):
            raise InvalidRequest.at("/x", "has a column that is chosen twice; choose each once")
    elif names is not None and model is not None and model.named:
        known = set(model.names)
        positions = [position for position in rest if names[position] in known]
    else:
        positions = [position for position in rest if position not in table.index]
        if table.records:
            table.records.refuses_others = True
    check_names(table, positions, "x")
    _check_count(table, len(positions))
    if not positions and not (rest and model):
        missing = "there is only y; add a column" if others else "give at least one"
        detail = "the others are the row index; choose them with x=" if rest else missing
        raise InvalidRequest.at("/x", f"has no columns; {detail}")
    used = set(positions)
    ignored = tuple(names[position] for position in rest if position not in used) if names else ()
    return SelectedColumns(positions, list(others), ignored)


def _check_count(table: TableReader, count: int) -> None:
    if count > table.max_columns:
        detail = f"has {count} columns; send at most {table.max_columns} (DESCENT_MAX_COLUMNS)"
        raise InvalidRequest.at("/x", detail)


def find(table: TableReader, name: str, role: str) -> int:
    if table.names is None:
        raise InvalidRequest.at(f"/{role}", f"is {quoted(name)}, but this media type has no column names; leave it out")
    if name in table.names:
        return table.names.index(name)
    if role == "x" and table.records and not table.records.is_complete:
        return table.records.add(name)
    detail = f"column {quoted(name)} is missing; the columns are {listed(table.names)}; choose another with {role}="
    raise InvalidRequest.at(f"/{role}", detail)


def check_names(table: TableReader, positions: Sequence[int], role: str) -> None:
    """Raise InvalidRequest for a column whose name is empty, or the name of another column as well."""
    names = table.names or ()
    counts = Counter(names)
    for position in positions if names else ():
        name = names[position]
        if not name:
            detail = f"column {position + 1} has no name, like a saved row index; name it, or choose columns with x="
            raise InvalidRequest.at(f"/{role}", detail)
        if counts[name] > 1:
            places = [str(place) for place, other in enumerate(names, 1) if other == name]
            detail = f"columns {' and '.join(places[:2])} are both named {quoted(name)}; rename one, or choose others"
            raise InvalidRequest.at(f"/{role}", f"{detail} with {role}=")
