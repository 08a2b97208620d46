"""Publish lock: one publisher of a model at a time on this machine.

The lock is a byte of a file, chosen by a hash of the model's name. Open file description locks exclude threads and
processes alike and are released when their holder dies. Record locks belong to processes: to the kernel, threads that
wait for unrelated models look like a deadlock.
"""

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


@contextlib.contextmanager
def publish_lock(path: Path, model: str) -> Iterator[None]:
    """Hold the lock of `model` in the file at `path`."""
    slot = zlib.crc32(model.encode()) % SLOTS
    with contextlib.ExitStack() as stack:
        with unavailable_on_error():
            file = stack.enter_context(path.open("ab"))
            fcntl.fcntl(file, fcntl.F_OFD_SETLKW, struct.pack(FLOCK, fcntl.F_WRLCK, os.SEEK_SET, slot, 1, 0))
        yield
