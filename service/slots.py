"""Numbered places for worker processes, so that what each counts goes on in the file of its place.

A worker takes the lowest place that no living process holds. The kernel frees a place when its holder dies, however it
dies, so files stay as few as the workers that ever ran at once, and counts survive kills and reloads.
"""

import fcntl
import itertools
import os
import threading
from pathlib import Path
from typing import Any

from prometheus_client import values

_held: dict[str, int] = {}


def take(folder: Path) -> int:
    """Take this process's place in `folder`, and let prometheus_client name its files by it."""
    number, descriptor = _lowest_free(folder)
    _held["slot"], _held["descriptor"] = number, descriptor
    _forget_in_progress(folder, number)
    for slot in folder.glob("*.slot"):
        other = _try_lock(slot)
        if other is not None:
            _forget_in_progress(folder, int(slot.stem))
            os.close(other)
    values.ValueClass = _values_in(number)
    return number


def _values_in(slot: int) -> Any:
    """prometheus_client's values in the files of a slot. Its own ask before every step whether the process is another
    than before, and look up where they stand."""
    stock: Any = values.MultiProcessValue(process_identifier=lambda: slot)

    class Value(stock):  # type: ignore[misc]
        """A number that this process alone writes, one aligned store at a time."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            position = self._file._positions[self._key]
            self._cell = memoryview(self._file._m)[position : position + 8].cast("d")
            self._lock = threading.Lock()

        def inc(self, amount: float) -> None:
            """Add to it."""
            with self._lock:
                self._value += amount
                self._cell[0] = self._value

    return Value


def _lowest_free(folder: Path) -> tuple[int, int]:
    for number in itertools.count():
        descriptor = _try_lock(folder / f"{number}.slot")
        if descriptor is not None:
            return number, descriptor
    raise AssertionError  # pragma: no cover


def _try_lock(slot: Path) -> int | None:
    """A descriptor that holds the lock of a place, or None if somebody else does."""
    descriptor = os.open(slot, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _forget_in_progress(folder: Path, number: int) -> None:
    """What a killed holder of the place left in progress is in progress no more."""
    for gauge in folder.glob(f"gauge_live*_{number}.db"):
        gauge.unlink(missing_ok=True)
