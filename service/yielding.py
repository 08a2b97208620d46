"""Long work beside short: what yields to everything else that wants a core."""

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")

NICENESS = 10
"""What nice(1) adds by default. Against work of ordinary priority a core is shared 1 to 9."""

_under_way: set[int] = set()


def yielding(work: Callable[[], T]) -> T:
    """What `work` returns or raises. A thread of lower priority does it, and threads that it starts have the same;
    where nothing else wants the cores, it takes no longer."""
    caller = threading.get_ident()
    _under_way.add(caller)
    try:
        with ThreadPoolExecutor(1, "yielding", initializer=_yield) as pool:
            return pool.submit(copy_context().run, work).result()
    finally:
        _under_way.discard(caller)


def is_under_way() -> bool:
    """Whether this process does such work now."""
    return bool(_under_way)


def _yield() -> None:
    if sys.platform == "linux":  # where threads have priorities of their own
        with contextlib.suppress(OSError):  # a sandbox may forbid it, and the work is to be done all the same
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
            os.nice(NICENESS)
