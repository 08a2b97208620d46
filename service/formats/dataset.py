"""Batches of rows to train on or to predict for, from JSON or from a table: the same for every media type."""

from collections.abc import Iterator, Sized
from typing import NamedTuple

import numpy as np

from service.artifact.columns import Columns, RowShape
from service.core.blocks import Batch, FloatArray
from service.errors import InvalidRequest, counted
from service.formats.arrays import Pointer, Table, escape
from service.formats.column_selection import ColumnSelection, select_features, select_labelled
from service.formats.json.rows import JsonRows
from service.formats.missing_values import ColumnBlock, Missing, MissingValuePolicy
from service.formats.row_numbers import RowNumbers
from service.formats.table import TableReader, UnreadableCell

VECTORS = ("y", "sample_weight")
Blocks = Iterator[tuple[ColumnBlock, list[FloatArray]]]
"""x of each batch, and its y and weight."""


class LabelledRows(NamedTuple):
    """Rows with y, to train on or to evaluate with.

    batches: batches with the pointers of their rows; `missing_values` has counted dropped rows once all are read, and
    `row_numbers` has compared all rows.
    in_table: whether the body was a table. ignored: the names of columns that are not used.
    """

    columns: Columns
    batches: Iterator[tuple[Batch, Pointer]]
    missing_values: MissingValuePolicy
    row_numbers: RowNumbers
    in_table: bool
    ignored: tuple[str, ...] = ()


class FeatureRows(NamedTuple):
    """Rows to predict for.

    batches: x (m, d), with columns in the order of the model's. ignored: the names of columns that are not used.
    """

    batches: Iterator[ColumnBlock]
    missing_values: MissingValuePolicy
    ignored: tuple[str, ...] = ()


class FeatureTable(NamedTuple):
    """Rows of a JSON body to predict for: x, with columns in the order of the model's, and the rows that are kept."""

    x: Table
    missing_values: MissingValuePolicy
    ignored: tuple[str, ...]


def feature_json(rows: JsonRows, missing: Missing, model: Columns) -> FeatureTable:
    """Return the rows of a JSON body; raise InvalidRequest."""
    table, ignored = rows.select(model, missing)
    missing_values = MissingValuePolicy(missing)
    return FeatureTable(missing_values.apply_to_table(table), missing_values, ignored)


def labelled_json(
    rows: JsonRows, y: FloatArray, weight: FloatArray | None, missing: Missing, model: Columns | None = None
) -> LabelledRows:
    """Return the rows of a JSON body, in the order of the columns of the `model` if it is known.

    Raises InvalidRequest.
    """
    table, ignored = rows.select(model, missing)
    return labelled_table(table, y, weight, missing)._replace(ignored=ignored)


def labelled_table(table: Table, y: FloatArray, weight: FloatArray | None, missing: Missing) -> LabelledRows:
    """Return rows of a JSON body; raise InvalidRequest."""
    vectors = [y] if weight is None else [y, weight]
    for name, vector in zip(VECTORS, vectors, strict=False):
        check_length(f"/{name}", vector, "number", len(table.values))
    missing_values = MissingValuePolicy(missing)
    row_numbers = RowNumbers(table.names)
    batch = _to_batch(missing_values, row_numbers, ColumnBlock(table.values, table.rows, table.cell), vectors)
    missing_values.check_any_kept()
    columns = Columns.of(table.names, table.row_shape, table.values.shape[1])
    return LabelledRows(columns, iter([batch]), missing_values, row_numbers, in_table=False)


def check_length(at: str, values: Sized, noun: str, rows: int) -> None:
    """Raise InvalidRequest at the pointer `at` unless there is one value for each row of x."""
    if len(values) != rows:
        detail = f"has {counted(len(values), noun)}, but x has {counted(rows, 'row')}; send one for each"
        raise InvalidRequest.at(at, detail)


def labelled_rows(
    table: TableReader, selection: ColumnSelection, missing: Missing, model: Columns | None = None
) -> LabelledRows:
    """Return the rows of a table with y, in the order of the columns of the `model` if it is known.

    Raises InvalidRequest for the selection.
    """
    _keep_names(table, missing)
    x, others, ignored = select_labelled(table, selection, model)
    names = _names(table, x)
    if model is None:
        columns = Columns.of(names, RowShape.LIST if names is None else RowShape.OBJECT, len(x))
    else:
        columns, x = model, _in_order(model, x, names, "/x")
    missing_values = MissingValuePolicy(missing)
    row_numbers = RowNumbers(names)
    batches = _labelled_batches(_read(table, x, others), missing_values, row_numbers)
    return LabelledRows(columns, batches, missing_values, row_numbers, in_table=True, ignored=ignored)


def feature_rows(
    table: TableReader, x: tuple[str, ...] | None, missing: Missing, model: Columns, at: str = "/x"
) -> FeatureRows:
    """Return the rows of a table's columns `x`, by default those of the `model`, in the order of the model's columns.

    Raises InvalidRequest for the selection, at the pointer `at` if the model does not have the columns.
    """
    _keep_names(table, missing)
    selected, _, ignored = select_features(table, x, model)
    positions = _in_order(model, selected, _names(table, selected), at)
    missing_values = MissingValuePolicy(missing)
    batches = _feature_batches(_read(table, positions, []), len(positions), missing_values)
    return FeatureRows(batches, missing_values, ignored)


def feature_table(table: Table, missing: Missing, model: Columns) -> FeatureRows:
    """Return the rows of a JSON body, with columns in the order of the model's; raise InvalidRequest."""
    order = model.order(table.names, table.values.shape[1], "/x")
    if order is not None:
        table = table._replace(values=table.values[:, order], names=model.names)
    missing_values = MissingValuePolicy(missing)
    return FeatureRows(iter(missing_values.apply([ColumnBlock(table.values, table.rows, table.cell)])), missing_values)


def _keep_names(table: TableReader, missing: Missing) -> None:
    """Refuse columns that only later records have, if the first record would be refused for missing them."""
    if table.records and missing == "error":
        table.records.is_complete = True


def _names(table: TableReader, positions: list[int]) -> tuple[str, ...] | None:
    return None if table.names is None else tuple(table.names[position] for position in positions)


def _in_order(model: Columns, positions: list[int], names: tuple[str, ...] | None, at: str) -> list[int]:
    """Return the `positions` of columns with `names` in the order of the model's columns; raise InvalidRequest."""
    order = model.order(names, len(positions), at, in_table=True)
    return positions if order is None else [positions[index] for index in order]


def _labelled_batches(
    blocks: Blocks, missing_values: MissingValuePolicy, row_numbers: RowNumbers
) -> Iterator[tuple[Batch, Pointer]]:
    for block, vectors in blocks:
        yield _to_batch(missing_values, row_numbers, block, vectors)
    missing_values.check_any_kept()


def _feature_batches(blocks: Blocks, d: int, missing_values: MissingValuePolicy) -> Iterator[ColumnBlock]:
    """Yield batches of the rows that are kept; one empty batch if there are none."""
    for block, _ in blocks:
        [kept] = missing_values.apply([block])
        if len(kept.values):
            yield kept
    if not missing_values.kept:
        yield ColumnBlock(np.empty((0, d)), range(0), lambda row, _: f"/x/{row}")


def _read(table: TableReader, x: list[int], others: list[int]) -> Blocks:
    """Yield the batches of a table; raise InvalidRequest for an unreadable cell."""
    d = len(x)

    def whole(column: int) -> str:
        return (
            f"/{VECTORS[column - d]}" if column >= d else f"/x/{escape(table.names[x[column]] if table.names else '')}"
        )

    def cell(row: int, column: int) -> str:
        return f"/x/{row}/{x[column]}" if table.names is None and column < d else f"{whole(column)}/{row}"

    first = 0
    try:
        for values in table.batches(x + others):
            block = ColumnBlock(values[:, :d], table.rows[first : first + len(values)], cell)
            yield block, [values[:, column] for column in range(d, values.shape[1])]
            first += len(values)
    except UnreadableCell as error:
        if error.column is None:
            at = f"/x/{error.row}"
        else:
            at = whole(error.column) if error.row is None else cell(error.row, error.column)
        raise InvalidRequest.at(at, error.detail) from None
    if first == 0:
        raise InvalidRequest.at("/x", "has no rows; give at least one")


def _to_batch(
    missing_values: MissingValuePolicy, row_numbers: RowNumbers, x: ColumnBlock, vectors: list[FloatArray]
) -> tuple[Batch, Pointer]:
    """Return the batch of x, y and, if given, the weight; raise InvalidRequest for a negative weight."""
    y, *weights = vectors
    blocks = [x, ColumnBlock(y, x.rows, lambda row, _: f"/y/{row}")]
    for weight in weights:
        blocks.append(ColumnBlock(weight, x.rows, lambda row, _: f"/sample_weight/{row}"))
        if (weight < 0).any():
            index = int(np.nanargmin(weight))
            raise InvalidRequest.at(blocks[2].pointer(index), f"is {weight[index]:g}; a weight is at least 0")
    x, y_block, *weight_block = missing_values.apply(blocks)
    row_numbers.add(x)
    return Batch(x.values, y_block.values, *(block.values for block in weight_block)), x.row_pointer
