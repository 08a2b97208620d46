"""Rows as they come, in blocks of equal size, however they were cut into batches."""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

BLOCK_ROWS = 1 << 18
"""Rows factored by one thread at a time, for a few columns."""
BLOCK_VALUES = 1 << 21
"""Values in a block of many columns, unless that leaves fewer rows than pay for the triangle that they become."""


class Batch(NamedTuple):
    """Some rows of the data: `x` (m, d), `y` (m,) and, when rows are weighted, `weight` (m,)."""

    x: FloatArray
    y: FloatArray
    weight: FloatArray | None = None


def block_rows(d: int) -> int:
    """The rows of a block of d columns."""
    return max(min(BLOCK_ROWS, BLOCK_VALUES // (d + 2)), 4 * (d + 2))


def blocks_of(batches: Iterable[Batch], d: int, held: int) -> Iterator[Batch]:
    """The rows of `batches` in blocks of equal size, the last excepted. One is gone when `held` more are asked for."""
    assembly = _Assembly(d, held)
    for batch in batches:
        start, m = 0, len(batch.y)
        while start < m:
            taken = min(m - start, assembly.room)
            assembly.add(_cut(batch, slice(start, start + taken)))
            start += taken
            if not assembly.room:
                yield assembly.take()
    if assembly.filled:
        yield assembly.take()


def _cut(batch: Batch, rows: slice) -> Batch:
    return Batch(batch.x[rows], batch.y[rows], None if batch.weight is None else batch.weight[rows])


class _Assembly:
    """A block that is put together from parts of batches. A part alone is not copied before another comes.

    Memory is used again after `held` blocks: getting it anew for each would take as long as filling it.
    """

    def __init__(self, d: int, held: int) -> None:
        self.capacity = block_rows(d)
        self.filled = 0
        self._values = np.empty((0, d + 2), order="F")
        self._others = deque([self._values] * (held - 1))
        self._is_weighted = False
        self._alone: Batch | None = None

    @property
    def room(self) -> int:
        return self.capacity - self.filled

    def add(self, part: Batch) -> None:
        if not self.filled:
            self._alone, self.filled = part, len(part.y)
            return
        if self._alone is not None:
            first, self._alone, self.filled = self._alone, None, 0
            self._copy(first)
        self._copy(part)

    def _copy(self, part: Batch) -> None:
        rows = slice(self.filled, self.filled + len(part.y))
        if not len(self._values):  # all of it at once: growing takes as long as filling
            self._values = np.empty((self.capacity, self._values.shape[1]), order="F")
        self._fill_weights(rows, part.weight)
        self._values[rows, 1:-1] = part.x
        self._values[rows, -1] = part.y
        self.filled = rows.stop

    def _fill_weights(self, rows: slice, weight: FloatArray | None) -> None:
        if weight is not None and not self._is_weighted:
            self._values[: rows.start, 0] = 1.0
            self._is_weighted = True
        if self._is_weighted:
            self._values[rows, 0] = 1.0 if weight is None else weight

    def take(self) -> Batch:
        """The block so far; the next begins empty, in other memory, since this one may still be being read."""
        alone, self._alone = self._alone, None
        rows, self.filled = self._values[: self.filled], 0
        if alone is not None:
            return alone
        self._others.append(self._values)
        self._values = self._others.popleft()
        return Batch(rows[:, 1:-1], rows[:, -1], rows[:, 0] if self._is_weighted else None)
