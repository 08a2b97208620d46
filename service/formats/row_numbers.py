"""Find columns that count the rows, as a row index does that was saved with the data."""

from collections.abc import Sequence

import numpy as np

from service.formats.missing_values import ColumnBlock

MIN_ROWS = 20
"""In fewer rows, a column may count them by chance."""


class RowNumbers:
    """Compares the columns with the positions of the rows in the request; those without names are not compared."""

    def __init__(self, names: Sequence[str] | None) -> None:
        self._names = names or ()
        self._rows = 0
        self._starts: dict[int, float] | None = None

    def add(self, x: ColumnBlock) -> None:
        """Compare the next rows."""
        if not self._names or not len(x.values):
            return
        if self._starts is None:
            starts = enumerate((x.values[0] - x.rows[0]).tolist())
            self._starts = {column: start for column, start in starts if start in (0, 1)}
        self._rows += len(x.values)
        for column, start in list(self._starts.items()):
            values = x.values[:, column]
            if values[-1] != x.rows[-1] + start or not np.array_equal(values, np.asarray(x.rows) + start):
                del self._starts[column]

    def columns(self) -> list[str]:
        """Return the names of the columns that count 0, 1, 2 … or 1, 2, 3 … in all rows so far."""
        return [self._names[column] for column in self._starts or ()] if self._rows >= MIN_ROWS else []
