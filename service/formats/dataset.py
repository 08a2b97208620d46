"""Batches of rows to train on or to predict for, from JSON or from a table: the same for every media type."""

from collections.abc import Iterator, Sized
from dataclasses import dataclass

import numpy as np

from service.artifact.columns import Columns, RowShape
from service.core.blocks import Batch, FloatArray
from service.errors import InvalidRequest, counted
from service.formats.arrays import Pointer, Table, escape
from service.formats.column_selection import ColumnPositions, ColumnSelection, select_features, select_labelled
from service.formats.missing_values import ColumnBlock, Missing, MissingValuePolicy
from service.formats.table import CellPointer, TableReader, UnreadableCell


@dataclass(frozen=True)
class LabelledRows:
    """Rows with y, to train on or to evaluate with.

    batches: batches with the pointers of their rows; `missing_values` has counted dropped rows once all are read.
    in_table: whether the body was a table.
    """

    columns: Columns
    batches: Iterator[tuple[Batch, Pointer]]
    missing_values: MissingValuePolicy
    in_table: bool


@dataclass(frozen=True)
class FeatureRows:
    """Rows of a table to predict for: column names, if any, and batches x (m, d) with the pointers of their rows."""

    names: tuple[str, ...] | None
    batches: Iterator[tuple[FloatArray, Pointer]]
    missing_values: MissingValuePolicy


def labelled_table(table: Table, y: FloatArray, weight: FloatArray | None, missing: Missing) -> LabelledRows:
    """Return the rows of a JSON body; raise InvalidRequest."""
    n = len(table.values)
    blocks = [ColumnBlock(table.values, table.rows, table.cell), ColumnBlock(y, table.rows, lambda row, _: f"/y/{row}")]
    if weight is not None:
        blocks.append(ColumnBlock(weight, table.rows, lambda row, _: f"/sample_weight/{row}"))
    for block, name in zip(blocks[1:], ("y", "sample_weight"), strict=False):
        check_length(f"/{name}", block.values, "number", n)
    missing_values = MissingValuePolicy(missing)
    batch = _to_batch(missing_values, blocks)
    missing_values.check_any_kept()
    return LabelledRows(table.columns, iter([batch]), missing_values, in_table=False)


def check_length(at: str, values: Sized, noun: str, rows: int) -> None:
    """Raise InvalidRequest at the pointer `at` unless there is one value for each row of x."""
    if len(values) != rows:
        detail = f"has {counted(len(values), noun)}, but x has {counted(rows, 'row')}; send one for each"
        raise InvalidRequest.at(at, detail)


def labelled_rows(table: TableReader, selection: ColumnSelection, missing: Missing) -> LabelledRows:
    """Return the rows of a table with y; raise InvalidRequest for the selection."""
    positions = select_labelled(table, selection)
    names = _names(table, positions.x)
    columns = Columns.of(names, RowShape.LIST if names is None else RowShape.OBJECT, len(positions.x))
    missing_values = MissingValuePolicy(missing)
    return LabelledRows(columns, _labelled_batches(table, positions, missing_values), missing_values, in_table=True)


def feature_rows(table: TableReader, x: tuple[str, ...] | None, missing: Missing) -> FeatureRows:
    """Return the rows of a table's columns `x`, or of all columns; raise InvalidRequest for the selection."""
    positions = select_features(table, x)
    missing_values = MissingValuePolicy(missing)
    return FeatureRows(_names(table, positions), _feature_batches(table, positions, missing_values), missing_values)


def _names(table: TableReader, positions: list[int]) -> tuple[str, ...] | None:
    return None if table.names is None else tuple(table.names[position] for position in positions)


def _labelled_batches(
    table: TableReader, positions: ColumnPositions, missing_values: MissingValuePolicy
) -> Iterator[tuple[Batch, Pointer]]:
    d = len(positions.x)

    def cell(row: int, column: int) -> str:
        if column < d:
            return _x_pointer(table, positions.x[column], row)
        return f"/y/{row}" if column == d else f"/sample_weight/{row}"

    for values, rows in _numbered_batches(table, positions.all, cell):
        blocks = [ColumnBlock(values[:, :d], rows, cell), ColumnBlock(values[:, d], rows, lambda row, _: cell(row, d))]
        if positions.weight is not None:
            blocks.append(ColumnBlock(values[:, d + 1], rows, lambda row, _: cell(row, d + 1)))
        yield _to_batch(missing_values, blocks)
    missing_values.check_any_kept()


def _feature_batches(
    table: TableReader, positions: list[int], missing_values: MissingValuePolicy
) -> Iterator[tuple[FloatArray, Pointer]]:
    """Yield batches of the rows that are kept; one empty batch if there are none."""

    def cell(row: int, column: int) -> str:
        return _x_pointer(table, positions[column], row)

    for values, rows in _numbered_batches(table, positions, cell):
        [x] = missing_values.apply([ColumnBlock(values, rows, cell)])
        if len(x.values):
            yield x.values, x.row_pointer
    if not missing_values.kept:
        yield np.empty((0, len(positions))), str


def _numbered_batches(
    table: TableReader, positions: list[int], cell: CellPointer
) -> Iterator[tuple[FloatArray, range]]:
    """Yield the batches of `table` with the positions of their rows; raise InvalidRequest for an unreadable cell."""
    first = 0
    try:
        for values in table.batches(positions):
            rows = range(first, first + len(values))
            yield values, rows
            first = rows.stop
    except UnreadableCell as error:
        at = f"/x/{error.row}" if error.column is None else cell(error.row, error.column)
        raise InvalidRequest.at(at, error.detail) from None
    if first == 0:
        raise InvalidRequest.at("/x", "has no rows; give at least one")


def _x_pointer(table: TableReader, column: int, row: int) -> str:
    return f"/x/{row}/{column}" if table.names is None else f"/x/{escape(table.names[column])}/{row}"


def _to_batch(missing_values: MissingValuePolicy, blocks: list[ColumnBlock]) -> tuple[Batch, Pointer]:
    """Return the batch of the blocks x, y and, if given, weight; raise InvalidRequest for a negative weight."""
    if len(blocks) == 3 and (blocks[2].values < 0).any():
        index = int(np.nanargmin(blocks[2].values))
        detail = f"is {blocks[2].values[index]:g}; a weight is at least 0"
        raise InvalidRequest.at(blocks[2].pointer(index), detail)
    x, y, *weight = missing_values.apply(blocks)
    return Batch(x.values, y.values, weight[0].values if weight else None), x.row_pointer
