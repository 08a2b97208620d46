"""Sufficient statistics of a linear model: the triangle R, from which every fit is computed.

Squared error over n rows depends on the data only through R, the triangular factor of a QR factorisation of
√w·[1, X, y] (Golub & Van Loan, "Matrix Computations", §5.3). Blocks of rows are factored separately, then their factors
are stacked and factored again: the TSQR of Demmel et al., "Communication-optimal parallel and sequential QR and LU
factorizations" (2012).
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial, reduce
from itertools import chain

import numpy as np

from service.core.blocks import Batch, FloatArray, block_rows, blocks_of
from service.core.factorization import factor_block
from service.core.triangle import merge_triangles, qr_triangle, shift_origin

MAX_SINGLE_THREAD_COLUMNS = 3
"""Up to this width one thread is fastest: numpy's calls are too short to pay for passing blocks between threads."""

MakeExecutor = Callable[[int], Executor]
"""A function of a number of threads that starts them, for example at a lower priority."""


@dataclass(frozen=True)
class Mean:
    """The mean of columns, origin + offset (d,) each. Far from zero their sum would be rounded."""

    origin: FloatArray
    offset: FloatArray

    def deviations(self, x: FloatArray) -> FloatArray:
        """Return x (m, d) minus the mean."""
        result: FloatArray = (x - self.origin) - self.offset
        return result


@dataclass(frozen=True)
class Statistics:
    """Sufficient statistics of n rows of d columns.

    triangle: (d+2, d+2), upper triangular with a non-negative diagonal: R of √w·[1, [X, y] − origin], so R₀₀ = √Σw.
    origin: (d+1,), a point near the data; relative to it, large means do not cost the deviations their digits.
    n: the number of rows of positive weight; a fraction after decay.
    lowest, highest: (d+1,), the ranges of the columns of X, then of y, over these rows.
    log_weight: Σ log w, for the likelihood; NaN after decay, because then rows have fractional counts.
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
    def mean(self) -> Mean:
        """The weighted mean of the columns of X."""
        return Mean(self.origin[:-1].copy(), self.triangle[0, 1:-1] / self.triangle[0, 0])


def gather(batches: Iterable[Batch], d: int, threads: int = 1, make_executor: MakeExecutor | None = None) -> Statistics:
    """Return the statistics of all rows of `batches`, each of d columns, in one pass and constant memory.

    The result has the same bits for any division into batches and any number of threads, because blocks are cut by row
    count and merged in order. Batches are not copied, so they must not change meanwhile.

    The calling thread reads the first block. With several threads and enough columns, `threads` threads factor the
    other blocks while one reads. `make_executor` starts these threads; without it the caller reads.
    """
    threads = 1 if d <= MAX_SINGLE_THREAD_COLUMNS else threads
    blocks = blocks_of(map(_drop_zero_weights, batches), d, held=1 if threads == 1 else threads + 1)
    first = next(blocks, None)
    if first is None:
        infinity = np.full(d + 1, np.inf)
        return Statistics(np.zeros((d + 2, d + 2)), np.zeros(d + 1), 0, infinity, -infinity)
    if len(first.y) < block_rows(d):
        return _of_block(first)
    blocks = chain([first], blocks)
    if threads > 1:
        return reduce(merge, _map_on_threads(blocks, threads, make_executor))
    factored = map(_of_block, blocks)
    if make_executor is None:
        return reduce(merge, factored)
    with make_executor(1) as executor:
        return executor.submit(reduce, merge, factored).result()


def merge(a: Statistics, b: Statistics) -> Statistics:
    """Return the statistics of the rows of both: R = qr([R_a; R_b]), exact up to rounding."""
    return Statistics(
        triangle=merge_triangles(a.triangle, shift_origin(b.triangle, b.origin - a.origin)),
        origin=a.origin,
        n=a.n + b.n,
        lowest=np.minimum(a.lowest, b.lowest),
        highest=np.maximum(a.highest, b.highest),
        log_weight=a.log_weight + b.log_weight,
    )


def decay(statistics: Statistics, factor: float) -> Statistics:
    """Return the statistics with every weight and row count multiplied by `factor`, 0 < factor ≤ 1; ranges stay."""
    return replace(
        statistics,
        triangle=np.sqrt(factor) * statistics.triangle,
        n=factor * statistics.n,
        log_weight=statistics.log_weight if factor == 1 else np.nan,
    )


def reorder_columns(statistics: Statistics, order: list[int]) -> Statistics:
    """Return the statistics of the same rows with column order[i] of X at position i."""
    columns = [*order, statistics.d]
    return replace(
        statistics,
        triangle=qr_triangle(statistics.triangle[:, [0, *(1 + column for column in columns)]]),
        origin=statistics.origin[columns],
        lowest=statistics.lowest[columns],
        highest=statistics.highest[columns],
    )


def _drop_zero_weights(batch: Batch) -> Batch:
    if batch.weight is None or batch.weight.min(initial=np.inf) > 0:
        return batch
    kept = batch.weight > 0
    return Batch(batch.x[kept], batch.y[kept], batch.weight[kept])


def _of_block(block: Batch) -> Statistics:
    triangle, origin, lowest, highest = factor_block(*block)
    log_weight = 0.0 if block.weight is None else float(np.log(block.weight).sum())
    return Statistics(triangle, origin, len(block.y), lowest, highest, log_weight)


def _map_on_threads(blocks: Iterator[Batch], threads: int, make_executor: MakeExecutor | None) -> Iterator[Statistics]:
    """Yield the statistics of each block in order. At most `threads` + 1 blocks are in memory."""
    read = partial(next, blocks, None)
    with make_executor(threads + 1) if make_executor else ThreadPoolExecutor(threads) as executor:
        pending: deque[Future[Statistics]] = deque()
        while (block := executor.submit(read).result() if make_executor else read()) is not None:
            pending.append(executor.submit(_of_block, block))
            if len(pending) > threads:
                yield pending.popleft().result()
        yield from (future.result() for future in pending)
