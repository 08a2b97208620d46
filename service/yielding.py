"""Long work beside short: what yields to everything else that wants a core."""

import contextlib
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")

NICENESS = 10
"""What nice(1) adds by default. Against work of ordinary priority a core is shared 1 to 9."""


def yielding(work: Callable[[], T]) -> T:
    """What `work` returns or raises. A thread of lower priority does it, and threads that it starts have the same;
    where nothing else wants the cores, it takes no longer."""
    with ThreadPoolExecutor(1, "yielding", initializer=_yield) as pool:
        return pool.submit(copy_context().run, work).result()


def _yield() -> None:
    if sys.platform == "linux":  # where threads have priorities of their own
        with contextlib.suppress(OSError):  # a sandbox may forbid it, and the work is to be done all the same
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
            os.nice(NICENESS)
