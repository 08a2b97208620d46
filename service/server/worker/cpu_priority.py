"""Lower priorities of threads, so that long work yields the CPU to predictions.

Linux has a priority for each thread. Other systems, and sandboxes that forbid the change, run all threads alike.
"""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from itertools import islice
from typing import Any, TypeVar

T = TypeVar("T")

NICE = 10
"""The nice value of long work, and the increment of nice(1). A core is shared 1 to 9 with work of nice 0."""
STEP_SECONDS = 0.012
"""Seconds after which a thread that prefetches returns its items. A return for each would take a tenth of the time of
the shortest ones."""


def lower_priority(nice: int = NICE) -> None:
    """Set the nice value of the calling thread, which threads that it starts inherit. Values are never lowered."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
            thread = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, thread, max(nice, os.getpriority(os.PRIO_PROCESS, thread)))


class ContextExecutor(ThreadPoolExecutor):
    """A thread pool whose work runs in the context of the caller of `submit`, which is that of an HTTP request."""

    def submit(self, work: Callable[..., T], /, *args: Any, **options: Any) -> Future[T]:
        """Submit work with a copy of the caller's context."""
        return super().submit(copy_context().run, work, *args, **options)


class FixedNicePool:
    """Threads for long work at one nice value."""

    def __init__(self, nice: int = NICE) -> None:
        self._nice = nice

    def executor(self, threads: int) -> Executor:
        """Return a pool of threads with the nice value."""
        return ContextExecutor(threads, initializer=partial(lower_priority, self._nice))

    def prefetch(self, items: Iterator[T]) -> Iterator[T]:
        """Yield `items`, which are not None, computed by a thread with the nice value."""
        with self.executor(1) as executor:
            yield from prefetch(executor, items)


def prefetch(executor: Executor, items: Iterator[T]) -> Iterator[T]:
    """Yield `items`, which are not None, computed by `executor` in steps of STEP_SECONDS."""
    while step := executor.submit(_take_step, items).result():
        yield from step


def _take_step(items: Iterator[T]) -> list[T]:
    """Return the items of one step, at least one; none at the end."""
    end = time.monotonic() + STEP_SECONDS
    step = list(islice(items, 1))
    while step and time.monotonic() < end and (following := next(items, None)) is not None:
        step.append(following)
    return step
