"""Regroup batches of rows of any size into blocks of equal size."""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

BLOCK_ROWS = 1 << 18
"""Rows of a block of few columns."""
BLOCK_VALUES = 1 << 21
"""Values of a block of many columns, which has at least four rows per row of its triangle."""


class Batch(NamedTuple):
    """Rows of data: x (m, d), y (m,) and, if rows are weighted, weight (m,)."""

    x: FloatArray
    y: FloatArray
    weight: FloatArray | None = None


def block_rows(d: int) -> int:
    """Return the number of rows in a block of d columns."""
    return max(min(BLOCK_ROWS, BLOCK_VALUES // (d + 2)), 4 * (d + 2))


def blocks_of(batches: Iterable[Batch], d: int, held: int) -> Iterator[Batch]:
    """Yield the rows of `batches` in blocks of equal size, except for the last.

    A block is overwritten when `held` more blocks have been requested.
    """
    builder = _BlockBuilder(d, held)
    for batch in batches:
        start, m = 0, len(batch.y)
        while start < m:
            count = min(m - start, builder.free)
            builder.append(_slice(batch, slice(start, start + count)))
            start += count
            if not builder.free:
                yield builder.take()
    if builder.filled:
        yield builder.take()


def _slice(batch: Batch, rows: slice) -> Batch:
    return Batch(batch.x[rows], batch.y[rows], None if batch.weight is None else batch.weight[rows])


class _BlockBuilder:
    """Concatenates parts of batches to a block. A single part is copied only when a second follows.

    Buffers are reused after `held` blocks, because allocating one takes as long as filling it.
    """

    def __init__(self, d: int, held: int) -> None:
        self.capacity = block_rows(d)
        self.filled = 0
        self._values = np.empty((0, d + 2), order="F")
        self._other_buffers = deque([self._values] * (held - 1))
        self._is_weighted = False
        self._single: Batch | None = None

    @property
    def free(self) -> int:
        return self.capacity - self.filled

    def append(self, part: Batch) -> None:
        if not self.filled:
            self._single, self.filled = part, len(part.y)
            return
        if self._single is not None:
            first, self._single, self.filled = self._single, None, 0
            self._copy(first)
        self._copy(part)

    def _copy(self, part: Batch) -> None:
        rows = slice(self.filled, self.filled + len(part.y))
        if not len(self._values):  # at full capacity, because growing takes as long as filling
            self._values = np.empty((self.capacity, self._values.shape[1]), order="F")
        self._copy_weights(rows, part.weight)
        self._values[rows, 1:-1] = part.x
        self._values[rows, -1] = part.y
        self.filled = rows.stop

    def _copy_weights(self, rows: slice, weight: FloatArray | None) -> None:
        if weight is not None and not self._is_weighted:
            self._values[: rows.start, 0] = 1.0
            self._is_weighted = True
        if self._is_weighted:
            self._values[rows, 0] = 1.0 if weight is None else weight

    def take(self) -> Batch:
        """Return the block and start an empty one in another buffer, since this one may still be read."""
        single, self._single = self._single, None
        rows, self.filled = self._values[: self.filled], 0
        if single is not None:
            return single
        self._other_buffers.append(self._values)
        self._values = self._other_buffers.popleft()
        return Batch(rows[:, 1:-1], rows[:, -1], rows[:, 0] if self._is_weighted else None)
