"""Sufficient statistics of a linear model: all of the data in one small triangle.

Squared error over n rows depends on the data only through R, the triangular factor of a QR factorisation of
√w·[1, X, y] (Golub & Van Loan, Matrix Computations, §5.3). Rows come in blocks, each factored alone, and the factors
are stacked and factored again: the TSQR of Demmel et al., "Communication-optimal parallel and sequential QR" (2012).
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial, reduce
from itertools import chain, islice
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from service.core.triangle import factor, moved, upper_factor

FloatArray = npt.NDArray[np.float64]
Pool = Callable[[int], Executor]
"""What makes so many threads."""

BLOCK_ROWS = 1 << 18
"""Rows factored by one thread at a time, for a few columns."""
BLOCK_VALUES = 1 << 21
"""Values in a block of many columns, unless that leaves fewer rows than pay for the triangle that they become."""
BLOCKS_PER_STEP = 4
"""Blocks of few columns that a thread of its own reads and factors at a time: handing over after each takes a tenth of
the time."""
MOST_COLUMNS_ALONE = 3
"""Up to here one thread is quicker than any number: NumPy's calls are too short to be worth handing over for them."""


class Batch(NamedTuple):
    """Some rows of the data: `x` (m, d), `y` (m,) and, when rows are weighted, `weight` (m,)."""

    x: FloatArray
    y: FloatArray
    weight: FloatArray | None = None


@dataclass(frozen=True)
class Statistics:
    """What least squares needs to know of n rows of d columns.

    triangle: (d+2, d+2), upper triangular with a non-negative diagonal: R of √w·[1, [X, y] − origin], so that
        R₀₀ = √Σw. A large mean kept in R would cost the deviations from it their digits.
    origin: (d+1,), a point near the data.
    n: the number of rows of positive weight, a fraction once decayed.
    lowest, highest: (d+1,), the ranges of the columns of X and then of y over those rows.
    log_weight: Σ log w, which a likelihood needs; NaN once decayed, when rows are no longer counted whole.
    """

    triangle: FloatArray
    origin: FloatArray
    n: float
    lowest: FloatArray
    highest: FloatArray
    log_weight: float = 0.0

    @property
    def d(self) -> int:
        """The number of columns of X."""
        return len(self.triangle) - 2

    @property
    def raw_triangle(self) -> FloatArray:
        """R of √w·[1, X, y]."""
        return moved(self.triangle, self.origin)

    @property
    def means(self) -> FloatArray:
        """(d+1,): the weighted means of the columns of X and of y."""
        result: FloatArray = self.origin + self.triangle[0, 1:] / self.triangle[0, 0]
        return result


def gather(batches: Iterable[Batch], d: int, threads: int = 1, pool: Pool | None = None) -> Statistics:
    """The statistics of all rows of `batches`, each of d columns, in one pass and constant memory.

    The caller reads the first block. Of the others, if they have more than a few columns and there are several threads,
    so many factor them while another reads; else one thread does both. They are from `pool`; if none is given, who
    reads is the caller. Blocks are cut by row count and merged in order, so the same rows give the same bits however
    they were cut into batches, and on any number of threads. Batches are read where they are, so they must not change
    meanwhile.
    """
    threads = 1 if d <= MOST_COLUMNS_ALONE else threads
    blocks = _blocks(map(_of_positive_weight, batches), d, held=1 if threads == 1 else threads + 1)
    first = next(blocks, None)
    if first is None:
        return _nothing(d)
    if len(first.y) < _block_rows(d):
        return _reduced(first)
    blocks = chain([first], blocks)
    if threads > 1:
        return reduce(merge, _by_threads(blocks, threads, pool))
    reduced = map(_reduced, blocks)
    if pool is None:
        return reduce(merge, reduced)
    return reduce(merge, _by_one_thread(reduced, BLOCKS_PER_STEP if d <= MOST_COLUMNS_ALONE else 1, pool))


def merge(a: Statistics, b: Statistics) -> Statistics:
    """The statistics of the rows of both: R = qr([R_a; R_b]), exact up to rounding."""
    stacked = np.vstack([a.triangle, moved(b.triangle, b.origin - a.origin)])
    return Statistics(
        triangle=upper_factor(stacked),
        origin=a.origin,
        n=a.n + b.n,
        lowest=np.minimum(a.lowest, b.lowest),
        highest=np.maximum(a.highest, b.highest),
        log_weight=a.log_weight + b.log_weight,
    )


def decay(statistics: Statistics, factor: float) -> Statistics:
    """The statistics with every row's weight and count multiplied by `factor` (0 < factor ≤ 1); ranges stay."""
    return Statistics(
        triangle=np.sqrt(factor) * statistics.triangle,
        origin=statistics.origin,
        n=factor * statistics.n,
        lowest=statistics.lowest,
        highest=statistics.highest,
        log_weight=statistics.log_weight if factor == 1 else np.nan,
    )


def reordered(statistics: Statistics, order: list[int]) -> Statistics:
    """The statistics of the same rows with the columns of x in another order."""
    d = statistics.d
    columns = [*order, d]
    return Statistics(
        triangle=upper_factor(statistics.triangle[:, [0, *(1 + column for column in columns)]]),
        origin=statistics.origin[columns],
        n=statistics.n,
        lowest=statistics.lowest[columns],
        highest=statistics.highest[columns],
        log_weight=statistics.log_weight,
    )


def _of_positive_weight(batch: Batch) -> Batch:
    if batch.weight is None or batch.weight.min(initial=np.inf) > 0:
        return batch
    kept = batch.weight > 0
    return Batch(batch.x[kept], batch.y[kept], batch.weight[kept])


def _block_rows(d: int) -> int:
    return max(min(BLOCK_ROWS, BLOCK_VALUES // (d + 2)), 4 * (d + 2))


def _blocks(batches: Iterable[Batch], d: int, held: int) -> Iterator[Batch]:
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
        self.capacity = _block_rows(d)
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


def _nothing(d: int) -> Statistics:
    nowhere = np.full(d + 1, np.inf)
    return Statistics(np.zeros((d + 2, d + 2)), np.zeros(d + 1), 0, nowhere, -nowhere)


def _reduced(block: Batch) -> Statistics:
    triangle, origin, lowest, highest = factor(*block)
    log_weight = 0.0 if block.weight is None else float(np.log(block.weight).sum())
    return Statistics(triangle, origin, len(block.y), lowest, highest, log_weight)


def _by_threads(blocks: Iterator[Batch], threads: int, pool: Pool | None) -> Iterator[Statistics]:
    """Each block's statistics, in their order; few blocks wait at a time, so that memory is bounded."""
    read = partial(next, blocks, None)
    with pool(threads + 1) if pool else ThreadPoolExecutor(threads) as workers:
        waiting: deque[Future[Statistics]] = deque()
        while (block := workers.submit(read).result() if pool else read()) is not None:
            waiting.append(workers.submit(_reduced, block))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        yield from (future.result() for future in waiting)


def _by_one_thread(reduced: Iterator[Statistics], step: int, pool: Pool) -> Iterator[Statistics]:
    """What `reduced` gives, so many at a time."""
    with pool(1) as worker:
        while found := worker.submit(lambda: list(islice(reduced, step))).result():
            yield from found
