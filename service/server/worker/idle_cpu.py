"""An estimate of idle CPU time, and threads for long work that use it.

With idle CPU time, long work runs at nice 19 and hardly delays predictions. Without, it would starve at nice 19, so it
runs at nice 10. The estimate comes from Linux's scheduler statistics of the threads themselves.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from service.server.worker.cpu_priority import NICE, ContextExecutor, lower_priority, prefetch

T = TypeVar("T")

SCHEDSTAT = Path("/proc/thread-self/schedstat")
"""Nanoseconds that the calling thread has run, and has waited for a core."""
IDLE_NICE = 19
"""A core is shared 1 to 68 with work of nice 0. The idle policy has 1 to 341, so a step that a new load starves could
take five times the second or two that it takes at nice 19."""
STARVED_SECONDS = 0.1
"""A step at nice 19 that takes longer has been starved. Steps need some ten milliseconds unless there are very many
columns."""
SAMPLE_SECONDS = 0.01
"""CPU time at nice 10 after which the estimate is updated."""
MAX_WAIT_RATIO = 4.0
"""The largest ratio of waiting to running at nice 10 with idle CPU time. Without, a tenth of a core makes it nine."""


class IdleCpuEstimator:
    """Whether other processes leave CPU time idle, as the latest steps of long work have seen it. False at first."""

    def __init__(self) -> None:
        self.is_idle = False
        self._ran = self._waited = 0.0

    def executor(self, threads: int) -> "NiceExecutor":
        """Return a pool of threads for long work."""
        return NiceExecutor(threads, self)

    def prefetch(self, items: Iterator[T]) -> Iterator[T]:
        """Yield `items`, which are not None, computed by a thread for long work."""
        with self.executor(1) as executor:
            yield from prefetch(executor, items)

    def record_starvation(self) -> None:
        """Take it that no CPU time is idle, after a step at nice 19 was starved."""
        self.is_idle = False
        self._ran = self._waited = 0.0

    def record(self, ran: float, waited: float) -> None:
        """Add the seconds that a step at nice 10 has run, and has waited for a core."""
        self._ran += ran
        self._waited += waited
        if self._ran >= SAMPLE_SECONDS:
            self.is_idle = self._waited <= MAX_WAIT_RATIO * self._ran
            self._ran = self._waited = 0.0


class NiceExecutor(Executor):
    """Threads at nice 19 while CPU time is idle, and at nice 10 otherwise.

    A step that has begun at nice 19 stays there. The threads must not share an interpreter with predictions, which
    would wait for its lock.
    """

    def __init__(self, threads: int, estimator: IdleCpuEstimator) -> None:
        self._estimator = estimator
        self._idle = ContextExecutor(threads, "nice 19", initializer=partial(lower_priority, IDLE_NICE))
        self._normal = ContextExecutor(threads, "nice 10", initializer=partial(lower_priority, NICE))

    def submit(self, work: Callable[..., T], /, *args: Any, **options: Any) -> Future[T]:
        """Submit a step with a copy of the caller's context."""
        if self._estimator.is_idle:
            return self._idle.submit(self._run_idle, time.monotonic(), work, *args, **options)
        return self._normal.submit(self._run_normal, work, *args, **options)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - as declared
        """End the threads."""
        for executor in (self._idle, self._normal):
            executor.shutdown(wait, cancel_futures=cancel_futures)

    def _run_idle(self, submitted: float, work: Callable[..., T], *args: Any, **options: Any) -> T:
        try:
            return work(*args, **options)
        finally:
            if time.monotonic() - submitted > STARVED_SECONDS:
                self._estimator.record_starvation()

    def _run_normal(self, work: Callable[..., T], *args: Any, **options: Any) -> T:
        ran_before, waited_before = _schedstat()
        try:
            return work(*args, **options)
        finally:
            ran, waited = _schedstat()
            self._estimator.record(ran - ran_before, waited - waited_before)


def _schedstat() -> tuple[float, float]:
    """Return the seconds that the calling thread has run, and has waited for a core; zeros if the system has none."""
    try:
        ran, waited, _ = SCHEDSTAT.read_text().split()
    except (OSError, ValueError):
        return 0.0, 0.0
    return int(ran) / 1e9, int(waited) / 1e9
