"""Long work gives way to everything else that wants a core, and is not kept waiting for long all the same.

The priorities are those of Linux, where each thread has its own; elsewhere, and where a sandbox forbids it, work has
the usual one.
"""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextvars import copy_context
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

SCHEDULED = Path("/proc/thread-self/schedstat")
"""Where Linux tells of a thread how many nanoseconds it ran and waited to run."""

INSISTING = 10
"""The niceness of work that insists, and what nice(1) adds by default: against work of ordinary priority, a core is
shared 1 to 9."""
YIELDING = 19
"""The niceness of work that uses what is left: a core is shared 1 to 68. With the idle policy it would be 1 to 341,
and a step that a load overtakes, which takes a second or two, could take five times as long."""
LONG_SECONDS = 0.1
"""A step that uses what is left and takes so long is taken to be kept waiting; it needs some ten milliseconds, unless
there are very many columns."""
STEP_SECONDS = 0.012
"""How long a thread draws before it hands over what it has: doing so each time takes a tenth of a short one's time."""
ENOUGH_SECONDS = 0.01
"""How long steps that insist must have run to tell whether something is left."""
MOST_WAITING = 4.0
"""So many times as long as they ran they may have waited for a core, if something is; with nothing left, and a tenth of
a core, it is nine times."""


def lower_priority() -> None:
    """Give the calling thread, and those that it starts, a tenth of a core that others of its process want."""
    _be_nice(INSISTING)


def _use_what_is_left() -> None:
    """Let the calling thread use what others leave of the cores, and hardly more."""
    _be_nice(YIELDING)


def _be_nice(niceness: int) -> None:
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
            thread = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, thread, max(niceness, os.getpriority(os.PRIO_PROCESS, thread)))


class IdleCpuEstimator:
    """What long work last saw of the cores: whether others leave something of them. At first it is cautious."""

    def __init__(self) -> None:
        self.are_left = False
        self._ran = self._waited = 0.0

    def executor(self, threads: int) -> "NiceExecutor":
        """So many threads for long work."""
        return NiceExecutor(threads, self)

    def prefetch(self, items: Iterator[T]) -> Iterator[T]:
        """`items`, which are not None, drawn in their order by one thread at a time."""
        with self.executor(1) as worker:
            while some := worker.submit(_some, items).result():
                yield from some

    def kept_waiting(self) -> None:
        """Work that used what is left did not get on."""
        self.are_left = False
        self._ran = self._waited = 0.0

    def insisted(self, ran: float, waited: float) -> None:
        """Work that insisted on its share had a core for `ran` seconds and waited for it for others."""
        self._ran += ran
        self._waited += waited
        if self._ran >= ENOUGH_SECONDS:
            self.are_left = self._waited <= MOST_WAITING * self._ran
            self._ran = self._waited = 0.0


class NiceExecutor(Executor):
    """Threads that use what others leave of the `cores`, if they leave something; or else a tenth of them. A step that
    has begun to use what is left cannot be hurried.

    It must not share an interpreter with what it gives way to, which would wait for it whenever it has that.
    """

    def __init__(self, threads: int, cores: IdleCpuEstimator) -> None:
        self._cores = cores
        self._yielding = ThreadPoolExecutor(threads, "yielding", initializer=_use_what_is_left)
        self._insisting = ThreadPoolExecutor(threads, "insisting", initializer=lower_priority)

    def submit(self, work: Callable[..., T], /, *args: Any, **options: Any) -> Future[T]:
        """Have a step done, in the context of its caller."""
        run = copy_context().run
        if self._cores.are_left:
            return self._yielding.submit(self._yield, time.monotonic(), run, work, *args, **options)
        return self._insisting.submit(self._insist, run, work, *args, **options)

    def _yield(self, submitted: float, run: Callable[..., T], *args: Any, **options: Any) -> T:
        try:
            return run(*args, **options)
        finally:
            if time.monotonic() - submitted > LONG_SECONDS:
                self._cores.kept_waiting()

    def _insist(self, run: Callable[..., T], *args: Any, **options: Any) -> T:
        ran, waited = _seconds_run_and_waited()
        try:
            return run(*args, **options)
        finally:
            ran_by_now, waited_by_now = _seconds_run_and_waited()
            self._cores.insisted(ran_by_now - ran, waited_by_now - waited)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - as declared
        """End the threads."""
        for pool in (self._yielding, self._insisting):
            pool.shutdown(wait, cancel_futures=cancel_futures)


def _some(items: Iterator[T]) -> list[T]:
    """What `items` gives next until a step's time is over; at least one, if there is one."""
    end = time.monotonic() + STEP_SECONDS
    found = list(islice(items, 1))
    while found and time.monotonic() < end and (following := next(items, None)) is not None:
        found.append(following)
    return found


def _seconds_run_and_waited() -> tuple[float, float]:
    """How long the calling thread has had a core, and waited for one that others had; zeros where nobody tells."""
    try:
        ran, waited, _ = SCHEDULED.read_text().split()
    except (OSError, ValueError):
        return 0.0, 0.0
    return int(ran) / 1e9, int(waited) / 1e9
