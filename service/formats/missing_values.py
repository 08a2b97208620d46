"""Find missing values in blocks of columns, and refuse or drop the rows that have them."""

import heapq
from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from service.core.blocks import FloatArray
from service.errors import Fault, InvalidRequest, counted, truncate
from service.formats.arrays import RowNumbers, Table, check_magnitudes, is_clean
from service.formats.table import CellPointer

Missing = Literal["error", "drop"]


class ColumnBlock(NamedTuple):
    """Columns of a batch of rows: values (m,) or (m, k), the rows' positions in the request, and pointers of cells."""

    values: FloatArray
    rows: RowNumbers
    cell: CellPointer

    def pointer(self, index: int) -> str:
        """Return the JSON pointer of values.ravel()[index]."""
        row, column = divmod(index, self.values[0].size)
        return self.cell(self.rows[row], column)

    def row_pointer(self, index: int) -> str:
        """Return the JSON pointer of the row values[index] of x."""
        return f"/x/{self.rows[index]}"

    def drop(self, rows: npt.NDArray[np.bool_]) -> "ColumnBlock":
        """Return the block without the rows where the mask `rows` (m,) is true; the others keep their positions."""
        kept = np.flatnonzero(~rows)
        numbers = self.rows.start + kept if isinstance(self.rows, range) else self.rows[kept]
        return ColumnBlock(self.values[kept], numbers, self.cell)


class MissingValuePolicy:
    """Refuses rows with missing values ("error"), or drops and counts them ("drop")."""

    def __init__(self, missing: Missing) -> None:
        self._missing = missing
        self.dropped = self.kept = 0

    def report(self) -> dict[str, int]:
        """Return the number of dropped rows as a member of the response, if rows may be dropped."""
        return {"dropped": self.dropped} if self._missing == "drop" else {}

    def apply(self, blocks: list[ColumnBlock]) -> list[ColumnBlock]:
        """Return blocks of the same rows without those that miss a value in any; raise InvalidRequest."""
        if all(is_clean(block.values) for block in blocks):
            self.kept += len(blocks[0].values)
            return blocks
        for block in blocks:
            check_magnitudes(block.values, block.pointer, allow_nan=True)
        if self._missing == "error":
            raise _missing_values(blocks)
        missing = np.logical_or.reduce([np.isnan(values.reshape(len(values), -1)).any(axis=1) for values, *_ in blocks])
        self.dropped += int(missing.sum())
        self.kept += len(missing) - int(missing.sum())
        return [block.drop(missing) for block in blocks]

    def check_any_kept(self) -> None:
        """Raise InvalidRequest if every row was dropped."""
        if not self.kept:
            detail = f"has {counted(self.dropped, 'row')}, and each misses a value; none is left to use"
            raise InvalidRequest.at("/x", detail)

    def apply_to_table(self, table: Table) -> Table:
        """Return `table` without the rows that miss a value; raise InvalidRequest."""
        [x] = self.apply([ColumnBlock(table.values, table.rows, table.cell)])
        return table._replace(values=x.values, row_numbers=x.rows)


def _missing_cells(block: ColumnBlock) -> Iterator[tuple[int, str]]:
    """Yield the row index and the pointer of each missing value."""
    for index in map(int, np.flatnonzero(np.isnan(block.values))):
        yield index // block.values[0].size, block.pointer(index)


def _missing_values(blocks: list[ColumnBlock]) -> InvalidRequest:
    """Return an error that names the first missing values in row order."""
    cells = heapq.merge(*map(_missing_cells, blocks), key=lambda cell: cell[0])
    faults = truncate(Fault(pointer, "is missing (null, NaN or empty)") for _, pointer in cells)
    pointers = ", ".join(fault.pointer for fault in faults)
    detail = f"Values are missing (null, NaN or empty), first at {pointers}."
    return InvalidRequest(f"{detail} Send the values, or set missing=drop to leave their rows out.", faults)
