"""Turns: one publisher of a model at a time on this machine, so that publishers do not race each other in vain."""

import contextlib
import fcntl
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from service.store.durable_files import unavailable_on_error

SLOTS = 256
FLOCK = "hhqqi4x"
"""Linux' struct flock on 64 bits: type, whence, start, length, process."""


class PublishLock:
    """Locks in the file at `path`, one byte for each hash of a model's name.

    They belong to the open file, so they keep threads and processes apart alike, and vanish with their holder. Record
    locks of processes would not do: where threads of two processes wait for each other's, of models that have nothing
    to do with each other, the kernel takes that for a deadlock.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextlib.contextmanager
    def of(self, model: str) -> Iterator[None]:
        """Hold the turn of `model`."""
        with unavailable_on_error():
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            with unavailable_on_error():
                _lock(descriptor, zlib.crc32(model.encode()) % SLOTS)
            yield
        finally:
            os.close(descriptor)


def _lock(descriptor: int, slot: int) -> None:
    """Lock a slot of the file; all of it where open files have no locks for less."""
    if hasattr(fcntl, "F_OFD_SETLKW"):
        wanted = struct.pack(FLOCK, fcntl.F_WRLCK, os.SEEK_SET, slot, 1, 0)
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLKW, wanted)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
