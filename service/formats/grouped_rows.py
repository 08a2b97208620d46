"""Rows of several models, each with the label of its group, from JSON or from a table."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from service.artifact.columns import Columns
from service.core.blocks import FloatArray
from service.errors import BodyTooLarge, DescentError, InvalidRequest
from service.formats import dataset
from service.formats.arrays import Table, escape, stack
from service.formats.column_selection import ColumnSelection, check_names, find, select_features, select_labelled
from service.formats.dataset import FeatureRows, LabelledRows
from service.formats.json.rows import JsonRows
from service.formats.labels import MISSING, Labels, Numbers
from service.formats.missing_values import Missing
from service.formats.table import TableReader, UnreadableCell


class Bounds(NamedTuple):
    """The largest number of groups, and of bytes that the numbers of a table take in memory."""

    max_groups: int
    max_bytes: int


class BodyError(Exception):
    """An error of the body, which concerns all groups."""

    def __init__(self, error: DescentError) -> None:
        super().__init__(error.detail)
        self.error = error


class GroupedRows:
    """Rows with labels. `labelled` and `features` raise InvalidRequest, and BodyError."""

    def __init__(self, missing: Missing, bounds: Bounds) -> None:
        self.labels, self.missing = Labels(bounds.max_groups), missing

    @property
    def unlabelled(self) -> int:
        """The number of rows without a label."""
        return int(np.count_nonzero(self.labels.numbers == MISSING))

    def groups(self) -> list[tuple[str, Numbers]]:
        """Return each label with the positions of its rows; raise InvalidRequest for a missing label unless dropped."""
        numbers, unlabelled = self.labels.numbers, self.unlabelled
        if unlabelled and self.missing == "error":
            detail = "is missing; give each row a label, or set missing=drop to leave out rows without one"
            raise InvalidRequest.at(f"/group/{int(np.argmin(numbers))}", detail)
        order = np.argsort(numbers, kind="stable")[unlabelled:]
        ends = np.cumsum(np.bincount(numbers[order], minlength=len(self.labels.names)))
        return list(zip(self.labels.names, np.split(order, ends[:-1]), strict=True))

    def labelled(self, rows: Numbers) -> LabelledRows:
        """Return `rows` to train on."""
        raise NotImplementedError

    def features(self, rows: Numbers, model: Columns) -> FeatureRows:
        """Return `rows` to predict for."""
        raise NotImplementedError


class JsonGroups(GroupedRows):
    """Rows of a JSON body. `vectors` are y and, if there is one, sample_weight."""

    def __init__(
        self, x: JsonRows, group: list[Any], vectors: dict[str, FloatArray], missing: Missing, bounds: Bounds
    ) -> None:
        super().__init__(missing, bounds)
        self._x, self._vectors = x, vectors
        self._tables: dict[tuple[str, ...] | None, Table] = {}
        dataset.check_length("/group", group, "label", len(x))
        for name, vector in vectors.items():
            dataset.check_length(f"/{name}", vector, "number", len(x))
        self.labels.add(group)

    def labelled(self, rows: Numbers) -> LabelledRows:
        """Return `rows` to train on."""
        weight = self._vectors.get("sample_weight")
        vectors = self._vectors["y"][rows], None if weight is None else weight[rows]
        names, ignored = self._x.choose(None, self.missing)
        return dataset.labelled_table(self._rows(rows, names), *vectors, self.missing)._replace(ignored=ignored)

    def features(self, rows: Numbers, model: Columns) -> FeatureRows:
        """Return `rows` to predict for."""
        names, ignored = self._x.choose(model, self.missing)
        return dataset.feature_table(self._rows(rows, names), self.missing, model)._replace(ignored=ignored)

    def _rows(self, rows: Numbers, names: tuple[str, ...] | None) -> Table:
        if names not in self._tables:
            try:
                self._tables[names] = self._x.table(names)
            except DescentError as error:
                raise BodyError(error) from error
        table = self._tables[names]
        return table._replace(values=table.values[rows], row_numbers=rows)


class TableRows(GroupedRows):
    """Rows of a table. Columns are read when a group first needs them, since the models know them.

    open_table: returns a reader of the table from its start. group: the column of labels. has_y: whether to train.
    """

    def __init__(
        self,
        open_table: Callable[[], TableReader],
        group: str,
        selection: ColumnSelection,
        missing: Missing,
        bounds: Bounds,
        *,
        has_y: bool,
    ) -> None:
        super().__init__(missing, bounds)
        self._open, self._selection = open_table, selection
        self._bytes, self._max_bytes = 0, bounds.max_bytes
        self._pointers = {selection.y: "/y", selection.weight: "/sample_weight"} if has_y else {}
        self._columns: dict[str, FloatArray] = {}
        head = open_table()
        self._read_labels(head, group)
        names = list(head.names or ())
        self._names = [name for name in names if name != group]
        index = {self._names.index(names[position]) for position in head.index if names[position] != group}
        records = head.records and replace(head.records, names=self._names)
        self._head = replace(head, names=self._names, width=len(self._names), index=frozenset(index), records=records)
        self._check_selection(has_y=has_y)

    def labelled(self, rows: Numbers) -> LabelledRows:
        """Return `rows` to train on."""
        return dataset.labelled_rows(self._reader(rows), self._selection, self.missing)

    def features(self, rows: Numbers, model: Columns) -> FeatureRows:
        """Return `rows` to predict for."""
        return dataset.feature_rows(self._reader(rows), self._selection.x, self.missing, model)

    def _read_labels(self, table: TableReader, group: str) -> None:
        if table.labels is None:
            detail = "names a column, but this media type has no column names; send another, such as CSV or Parquet"
            raise InvalidRequest.at("/group", detail)
        position = find(table, group, "group")
        check_names(table, [position], "group")
        try:
            for values in table.labels(position):
                self._count_bytes(8 * len(values))
                self.labels.add(values)
        except UnreadableCell as error:
            raise InvalidRequest.at(f"/x/{error.row}", error.detail) from None
        if not len(self.labels.numbers):
            raise InvalidRequest.at("/x", "has no rows; give at least one")

    def _check_selection(self, *, has_y: bool) -> None:
        """Raise InvalidRequest for a wrong selection. Read the columns of a training: all groups have the same."""
        try:
            if has_y:
                selected = select_labelled(self._head, self._selection)
                self._read_columns([self._names[position] for position in selected.x + selected.others])
            elif self._selection.x is not None:
                select_features(self._head, self._selection.x)
        except BodyError as error:
            raise error.error from None

    def _reader(self, rows: Numbers) -> TableReader:
        """Return a reader of `rows`, without the column of labels."""
        return replace(self._head, batches=partial(self._batches, rows), rows=rows)

    def _batches(self, rows: Numbers, positions: Sequence[int]) -> Iterator[FloatArray]:
        names = [self._names[position] for position in positions]
        self._read_columns([name for name in names if name not in self._columns])
        yield stack([self._columns[name][rows] for name in names])

    def _read_columns(self, names: list[str]) -> None:
        """Read columns that are not in memory yet, in one pass over the table."""
        if not names:
            return
        table = self._open()
        if table.records and self._head.records:
            table.records.refuses_others = self._head.records.refuses_others
        batches = []
        try:
            for values in table.batches([find(table, name, "x") for name in names]):
                self._count_bytes(values.nbytes)
                batches.append(values)
        except UnreadableCell as error:
            raise BodyError(self._unreadable(error, names)) from None
        except DescentError as error:
            raise BodyError(error) from error
        for column, name in enumerate(names):
            self._columns[name] = np.concatenate([values[:, column] for values in batches])

    def _unreadable(self, error: UnreadableCell, names: list[str]) -> InvalidRequest:
        if error.column is None:
            return InvalidRequest.at(f"/x/{error.row}", error.detail)
        name = names[error.column]
        whole = self._pointers.get(name, f"/x/{escape(name)}")
        return InvalidRequest.at(whole if error.row is None else f"{whole}/{error.row}", error.detail)

    def _count_bytes(self, size: int) -> None:
        self._bytes += size
        if self._bytes > self._max_bytes:
            detail = f"The numbers of all rows take more than {self._max_bytes} bytes (DESCENT_MAX_BODY_BYTES)"
            raise BodyTooLarge(f"{detail}; send fewer rows, or choose fewer columns with x=.")
