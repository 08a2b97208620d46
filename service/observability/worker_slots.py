"""Numbered slots for worker processes: each worker continues the metrics files of its slot.

A worker takes the lowest slot that no process holds. The kernel frees a slot when its holder dies, so there are only as
many files as workers ever ran at once, and counts survive kills and reloads.
"""

import fcntl
import itertools
import logging
import os
import threading
from functools import cache
from pathlib import Path
from typing import Any

from prometheus_client import mmap_dict, values
from prometheus_client.multiprocess import mark_process_dead

FIRST_BYTES = 1 << 16
"""Initial size of a file in prometheus_client, which doubles it when it is full. Keys are much shorter."""
MAX_OVERHEAD = 28
"""Bytes of a value besides its key: the key's length, padding, the number and a time."""

log = logging.getLogger(__name__)
_held: list[int] = []
"""The descriptor of the slot, which the kernel closes."""


def take(folder: Path) -> int:
    """Take a slot in `folder` for this process, after which prometheus_client names its files."""
    numbers = itertools.count()
    number, descriptor = next((n, lock) for n in numbers if (lock := _try_lock(folder / f"{n}.slot")) is not None)
    _held.append(descriptor)
    mark_process_dead(number, str(folder))  # removes gauges of requests in progress that a killed holder left
    for slot in folder.glob("*.slot"):
        other = _try_lock(slot)
        if other is not None:
            mark_process_dead(int(slot.stem), str(folder))
            os.close(other)
    values.MmapedDict = _AllocatedDict  # type: ignore[attr-defined, assignment]
    values.ValueClass = _values_in(number)
    return number


class _AllocatedDict(mmap_dict.MmapedDict):
    """prometheus_client's mapped file with all of its bytes allocated; raises OSError if the disk is full.

    Without that, writing to a hole of the file on a full disk raises SIGBUS.
    """

    def __init__(self, filename: str) -> None:
        path = Path(filename)
        if not path.exists():
            _create_allocated(path)
        super().__init__(filename)  # type: ignore[no-untyped-call]

    def _init_value(self, key: str) -> None:
        if self._used + len(key.encode()) + MAX_OVERHEAD > self._capacity:
            os.posix_fallocate(self._f.fileno(), 0, 2 * self._capacity)
        super()._init_value(key)  # type: ignore[no-untyped-call]


def _create_allocated(path: Path) -> None:
    """Create a file of zeros and rename it into place, because a scrape cannot read an empty file."""
    temporary = path.with_name(f"{path.name}.new")
    try:
        with temporary.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, FIRST_BYTES)
        temporary.rename(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _values_in(slot: int) -> Any:
    """Return a function that makes values in the files of a slot, without prometheus_client's check of the process."""
    stock: Any = values.MultiProcessValue(process_identifier=lambda: slot)

    class Value(stock):  # type: ignore[misc]
        """A number that only this process writes, one aligned store at a time."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._lock = threading.Lock()
            position = self._file._positions[self._key]
            self._cell = memoryview(self._file._m)[position : position + 8].cast("d")

        def inc(self, amount: float) -> None:
            """Increase the value by `amount`."""
            with self._lock:
                self._value += amount
                self._cell[0] = self._value

    @cache
    def warn(reason: str) -> None:
        log.warning("some metrics of this worker are not scraped: %s", reason)

    def value(*args: Any, **kwargs: Any) -> Any:
        """Return a Value, or if the disk is full one that is not scraped."""
        try:
            return Value(*args, **kwargs)
        except OSError as error:
            warn(str(error.strerror))
            return values.MutexValue(*args, **kwargs)

    return value


def _try_lock(slot: Path) -> int | None:
    """Return a descriptor that holds the lock of a slot; None if another process holds it."""
    descriptor = os.open(slot, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
