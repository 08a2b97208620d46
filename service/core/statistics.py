"""Sufficient statistics of a linear model: all of the data in one small triangle.

Squared error over n rows depends on the data only through R, the triangular factor of a QR factorisation of
√w·[1, X, y] (Golub & Van Loan, Matrix Computations, §5.3). Rows come in blocks, each factored alone, and the factors
are stacked and factored again: the TSQR of Demmel et al., "Communication-optimal parallel and sequential QR" (2012).
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial, reduce
from itertools import chain
from typing import Protocol

import numpy as np

from service.core.blocks import Batch, FloatArray, block_rows, blocks_of
from service.core.triangle import factor_block, merge_triangles, qr_triangle, shift_origin

MAX_SINGLE_THREAD_COLUMNS = 3
"""Up to here one thread is quicker than any number: NumPy's calls are too short to be worth handing over for them."""


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
        return shift_origin(self.triangle, self.origin)

    @property
    def means(self) -> FloatArray:
        """(d+1,): the weighted means of the columns of X and of y."""
        result: FloatArray = self.origin + self.triangle[0, 1:] / self.triangle[0, 0]
        return result

    def centred(self, x: FloatArray) -> FloatArray:
        """x (m, d) less the means of its columns, which would round the difference if they were rounded themselves."""
        result: FloatArray = (x - self.origin[:-1]) - self.triangle[0, 1:-1] / self.triangle[0, 0]
        return result


class WorkerPool(Protocol):
    """Threads that do the work of their caller."""

    def executor(self, threads: int) -> Executor:
        """So many."""

    def prefetch(self, items: Iterator["Statistics"]) -> Iterator["Statistics"]:
        """`items`, drawn in their order by one at a time."""


def gather(batches: Iterable[Batch], d: int, threads: int = 1, worker_pool: WorkerPool | None = None) -> Statistics:
    """The statistics of all rows of `batches`, each of d columns, in one pass and constant memory.

    The caller reads the first block. Of the others, if they have more than a few columns and there are several threads,
    so many factor them while another reads; else one thread does both. They are `helpers`; if there are none, who reads
    is the caller. Blocks are cut by row count and merged in order, so the same rows give the same bits however
    they were cut into batches, and on any number of threads. Batches are read where they are, so they must not change
    meanwhile.
    """
    threads = 1 if d <= MAX_SINGLE_THREAD_COLUMNS else threads
    blocks = blocks_of(map(_of_positive_weight, batches), d, held=1 if threads == 1 else threads + 1)
    first = next(blocks, None)
    if first is None:
        return _nothing(d)
    if len(first.y) < block_rows(d):
        return _reduced(first)
    blocks = chain([first], blocks)
    if threads > 1:
        return reduce(merge, _by_threads(blocks, threads, worker_pool))
    reduced = map(_reduced, blocks)
    return reduce(merge, worker_pool.prefetch(reduced) if worker_pool else reduced)


def merge(a: Statistics, b: Statistics) -> Statistics:
    """The statistics of the rows of both: R = qr([R_a; R_b]), exact up to rounding."""
    return Statistics(
        triangle=merge_triangles(a.triangle, shift_origin(b.triangle, b.origin - a.origin)),
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


def reorder_columns(statistics: Statistics, order: list[int]) -> Statistics:
    """The statistics of the same rows with the columns of x in another order."""
    d = statistics.d
    columns = [*order, d]
    return Statistics(
        triangle=qr_triangle(statistics.triangle[:, [0, *(1 + column for column in columns)]]),
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


def _nothing(d: int) -> Statistics:
    nowhere = np.full(d + 1, np.inf)
    return Statistics(np.zeros((d + 2, d + 2)), np.zeros(d + 1), 0, nowhere, -nowhere)


def _reduced(block: Batch) -> Statistics:
    triangle, origin, lowest, highest = factor_block(*block)
    log_weight = 0.0 if block.weight is None else float(np.log(block.weight).sum())
    return Statistics(triangle, origin, len(block.y), lowest, highest, log_weight)


def _by_threads(blocks: Iterator[Batch], threads: int, worker_pool: WorkerPool | None) -> Iterator[Statistics]:
    """Each block's statistics, in their order; few blocks wait at a time, so that memory is bounded."""
    read = partial(next, blocks, None)
    with worker_pool.executor(threads + 1) if worker_pool else ThreadPoolExecutor(threads) as workers:
        waiting: deque[Future[Statistics]] = deque()
        while (block := workers.submit(read).result() if worker_pool else read()) is not None:
            waiting.append(workers.submit(_reduced, block))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        yield from (future.result() for future in waiting)
