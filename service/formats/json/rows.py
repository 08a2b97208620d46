"""Rows of x in JSON, which are converted once the columns of the model are known: others are not looked at."""

import sys
from collections.abc import Sequence
from functools import cached_property
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from service.artifact.columns import Columns
from service.errors import InvalidRequest
from service.formats import arrays, bad_cells
from service.formats.arrays import NAMING_RECORDS, Table, Types
from service.formats.column_selection import select_features
from service.formats.missing_values import Missing
from service.formats.table import RecordNames, TableReader


class Chosen(NamedTuple):
    """A JSON value with the names of the columns to use."""

    value: Any
    x: tuple[str, ...] | None


class JsonRows:
    """Rows of x at the JSON pointer `at`, of numbers of the `allowed` types, with the columns `x` if chosen."""

    def __init__(self, value: Any, at: str, allowed: Types, x: tuple[str, ...] | None = None) -> None:
        self.value, self.at, self._allowed, self._x = value, at, allowed, x
        if isinstance(value, list | dict) and not value:
            arrays.table(value, at)  # raises InvalidRequest

    def select(self, model: Columns | None, missing: Missing) -> tuple[Table, tuple[str, ...]]:
        """Return the rows, in the order of the model's columns if it is known, and the names of ignored columns.

        Raises InvalidRequest.
        """
        names, ignored = self.choose(model, missing)
        table = self.table(names)
        if model is not None:
            model.order(table.names, table.values.shape[1], self.at)
        return table, ignored

    def choose(self, model: Columns | None, missing: Missing) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
        """Return the names of the columns that `select` returns, if they have names, and the ignored names."""
        names = self._names
        if names is None:
            if self._x is not None:
                raise InvalidRequest.at(self.at, "has no column names, so leave out x=, or send records or columns")
            return None, ()
        records = RecordNames(list(names), is_complete=missing == "error" or not self._may_have_others)
        reader = TableReader(records.names, len(names), lambda _: iter(()), sys.maxsize, records=records)
        positions, _, ignored = select_features(reader, self._x, model)
        chosen = tuple(records.names[position] for position in positions)
        order = None if model is None else model.order(chosen, len(chosen), self.at)
        if records.refuses_others or records.added:
            self._check_others(records)
        return chosen if order is None else tuple(chosen[index] for index in order), ignored

    def table(self, names: tuple[str, ...] | None) -> Table:
        """Return the columns `names`, or all columns if they have no names; raise InvalidRequest."""
        return arrays.table(self.value, self.at, self._allowed) if names is None else self._table(names)

    def __len__(self) -> int:
        """The number of rows."""
        value = next(iter(self.value.values())) if isinstance(self.value, dict) else self.value
        return len(value) if isinstance(value, list | np.ndarray) else 1

    @cached_property
    def _names(self) -> Sequence[str] | None:
        """The names of the columns, for records those of the first ones; None if columns have no names."""
        if isinstance(self.value, dict) and self.value:
            return tuple(self.value)
        if not isinstance(self.value, list) or set(map(type, self.value)) != {dict}:
            return None
        names = tuple(dict.fromkeys(chain.from_iterable(self.value[:NAMING_RECORDS])))
        if not names:
            raise InvalidRequest.at(f"{self.at}/0", "has no columns; give at least one")
        return names

    @property
    def _may_have_others(self) -> bool:
        return isinstance(self.value, list) and len(self.value) > NAMING_RECORDS

    def _check_others(self, records: RecordNames) -> None:
        """Raise InvalidRequest for a later record with another name, and for an added name that no record has."""
        others = self.value[NAMING_RECORDS:] if self._may_have_others else []
        if records.refuses_others:
            known = set(records.names)
            for row, record in enumerate(others, NAMING_RECORDS):
                if not record.keys() <= known:
                    unknown = next(name for name in record if name not in known)
                    raise InvalidRequest.at(f"{self.at}/{row}", bad_cells.late_name(unknown))
        records.check_found(set(records.added) - set(chain.from_iterable(others)))

    def _table(self, names: tuple[str, ...]) -> Table:
        if isinstance(self.value, dict):
            return arrays.table({name: self.value[name] for name in names}, self.at, self._allowed)
        return arrays.table_of_records(self.value, self.at, self._allowed, names)


class SplitRows(JsonRows):
    """Rows as pandas writes a DataFrame with orient="split": `names` of columns, and lists of cells at `at`."""

    def __init__(self, names: tuple[str, ...], value: list[list[Any]], at: str, allowed: Types) -> None:
        super().__init__(value, at, allowed)
        self._names = self._all = names

    def _table(self, names: tuple[str, ...]) -> Table:
        width, places = len(self._all), [self._all.index(name) for name in names]
        for row, cells in enumerate(self.value):
            if type(cells) is not list or len(cells) != width:
                raise InvalidRequest.at(f"{self.at}/{row}", f"is not a list of {width} cells, one for each column")
        return arrays.table_of_cells(self.value, places, self.at, self._allowed, names)
