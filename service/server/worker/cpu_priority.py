"""A lower priority of threads, so that long work yields the CPU to predictions.

Sandboxes that forbid the change run all threads alike.
"""

import contextlib
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

T = TypeVar("T")

NICE = 10
"""The nice value of long work. A core is shared 1 to 9 with work of nice 0."""


def lower_priority() -> None:
    """Set the nice value of the calling thread, which threads that it starts inherit. Values are never lowered."""
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, max(NICE, os.getpriority(os.PRIO_PROCESS, thread)))


class NiceExecutor(ThreadPoolExecutor):
    """Threads at a lower priority. Work runs in the context of the caller of `submit`, that of an HTTP request."""

    def __init__(self, threads: int) -> None:
        super().__init__(threads, initializer=lower_priority)

    def submit(self, work: Callable[..., T], /, *args: Any, **options: Any) -> Future[T]:
        """Submit work with a copy of the caller's context."""
        return super().submit(copy_context().run, work, *args, **options)
