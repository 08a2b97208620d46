"""Long work gives way to everything else that wants a core, and is not kept waiting for long all the same.

The priorities are those of Linux, where each thread has its own; elsewhere, and where a sandbox forbids it, work has
the usual one.
"""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

T = TypeVar("T")

NICENESS = 10
"""What nice(1) adds by default. Against work of ordinary priority a core is shared 1 to 9."""
LONG_SECONDS = 0.1
"""A step of long work that takes so long is taken to be kept waiting; it needs some ten milliseconds, unless there are
very many columns."""
HURRY_SECONDS = 2.0
"""How long work that was kept waiting insists on its share."""


def give_way() -> None:
    """Give the calling thread, and those that it starts, a tenth of a core that others of its process want."""
    _schedule("SCHED_BATCH", NICENESS)


def _use_what_is_left() -> None:
    """Let the calling thread use what others leave of the cores; whoever wakes has its core at once."""
    _schedule("SCHED_IDLE", NICENESS)


def _schedule(policy: str, niceness: int) -> None:
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, getattr(os, policy), os.sched_param(0))
            thread = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, thread, max(niceness, os.getpriority(os.PRIO_PROCESS, thread)))


class Yielding(Executor):
    """Threads that use what is left of the cores; or, for a while after a step was kept waiting, a tenth of them.

    It must not share an interpreter with what it gives way to, which would wait for it whenever it has that.
    """

    def __init__(self, threads: int) -> None:
        self._idle = ThreadPoolExecutor(threads, "idle", initializer=_use_what_is_left)
        self._insisting = ThreadPoolExecutor(threads, "insisting", initializer=give_way)
        self._hurries_until = 0.0

    def submit(self, work: Callable[..., T], /, *args: Any, **options: Any) -> Future[T]:
        """Have a step done, in the context of its caller."""
        run = copy_context().run
        now = time.monotonic()
        if now < self._hurries_until:
            return self._insisting.submit(run, work, *args, **options)
        return self._idle.submit(self._timed, now, run, work, *args, **options)

    def _timed(self, submitted: float, run: Callable[..., T], *args: Any, **options: Any) -> T:
        try:
            return run(*args, **options)
        finally:
            now = time.monotonic()
            if now - submitted > LONG_SECONDS:
                self._hurries_until = now + HURRY_SECONDS

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - as declared
        """End the threads."""
        for pool in (self._idle, self._insisting):
            pool.shutdown(wait, cancel_futures=cancel_futures)
