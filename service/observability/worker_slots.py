"""Numbered places for worker processes, so that what each counts goes on in the file of its place.

A worker takes the lowest place that no living process holds. The kernel frees a place when its holder dies, however it
dies, so files stay as few as the workers that ever ran at once, and counts survive kills and reloads.
"""

import fcntl
import itertools
import logging
import os
import threading
from pathlib import Path
from typing import Any

from prometheus_client import mmap_dict, values

FIRST_BYTES = 1 << 16
"""As large as prometheus_client begins a file; it doubles it whenever that is full."""
MOST_BESIDE_KEY = 28
"""What a value takes in a file besides its key: the key's length, what fills it up, the number and a time."""

log = logging.getLogger(__name__)
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
    values.MmapedDict = _Numbers  # type: ignore[attr-defined, assignment]
    values.ValueClass = _values_in(number)
    return number


class _Numbers(mmap_dict.MmapedDict):
    """prometheus_client's numbers in a mapped file, of which every byte has a place on the disk: writing to a hole is a
    fatal signal if the disk is full. Raises OSError where there is no room."""

    def __init__(self, filename: str) -> None:
        path = Path(filename)
        if not path.exists():
            _make_whole(path)
        super().__init__(filename)  # type: ignore[no-untyped-call]

    def _init_value(self, key: str) -> None:
        size = self._capacity
        while size < self._used + len(key.encode()) + MOST_BESIDE_KEY:
            size *= 2
        if size > self._capacity:
            os.posix_fallocate(self._f.fileno(), 0, size)
        super()._init_value(key)  # type: ignore[no-untyped-call]


def _make_whole(path: Path) -> None:
    """Make a file of zeros, which scrapes find as a whole: they cannot read an empty one."""
    unnamed = path.with_name(f"{path.name}.new")
    try:
        with unnamed.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, FIRST_BYTES)
        unnamed.rename(path)
    except OSError:
        unnamed.unlink(missing_ok=True)
        raise


class _Nowhere:
    """In place of a file for which there is no room."""

    def write_value(self, *_: Any) -> None:
        """Nobody reads it."""


def _values_in(slot: int) -> Any:
    """prometheus_client's values in the files of a slot. Its own ask before every step whether the process is another
    than before, and look up where they stand."""
    stock: Any = values.MultiProcessValue(process_identifier=lambda: slot)

    class Value(stock):  # type: ignore[misc]
        """A number that this process alone writes, one aligned store at a time. Where there is no room for it, scrapes
        do not find it, and all else goes on."""

        is_told = False
        _file: Any
        _key: str

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self._lock = threading.Lock()
            try:
                super().__init__(*args, **kwargs)
                position = self._file._positions[self._key]
                self._cell = memoryview(self._file._m)[position : position + 8].cast("d")
            except OSError as error:
                self._value, self._key, self._file = 0.0, "", _Nowhere()
                self._cell = memoryview(bytearray(8)).cast("d")
                if not Value.is_told:
                    Value.is_told = True
                    log.warning("some of what is counted here is in no scrape: %s", error.strerror)

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
