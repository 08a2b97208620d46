"""Publish lock: one publisher of a model at a time on this machine."""

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
"""Layout of Linux' struct flock on 64 bits: type, whence, start, length, process."""


class PublishLock:
    """Locks in the file at `path`, one byte for each hash of a model's name.

    Open file description locks exclude threads and processes alike and are released when their holder dies. Record
    locks belong to processes: to the kernel, threads that wait for unrelated models look like a deadlock.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextlib.contextmanager
    def of(self, model: str) -> Iterator[None]:
        """Hold the lock of `model`."""
        with unavailable_on_error():
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            with unavailable_on_error():
                _lock(descriptor, zlib.crc32(model.encode()) % SLOTS)
            yield
        finally:
            os.close(descriptor)


def _lock(descriptor: int, slot: int) -> None:
    """Lock one byte of the file, or the whole file on systems without open file description locks."""
    if hasattr(fcntl, "F_OFD_SETLKW"):
        request = struct.pack(FLOCK, fcntl.F_WRLCK, os.SEEK_SET, slot, 1, 0)
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLKW, request)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
