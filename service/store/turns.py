"""Turns: one publisher of a model at a time on this machine, so that publishers do not race each other in vain."""

import contextlib
import fcntl
import os
import threading
import zlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from service.store.files import unavailable_on_error

SLOTS = 256


class Turns:
    """Locks in the file at `path`, one for each hash of a model's name.

    The kernel's record locks keep processes apart and vanish with their holder; they do not see threads, so each stands
    behind a lock of this process.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = [threading.Lock() for _ in range(SLOTS)]

    @contextlib.contextmanager
    def of(self, model: str) -> Iterator[None]:
        """Hold the turn of `model`."""
        slot = zlib.crc32(model.encode()) % SLOTS
        with self._threads[slot]:
            with unavailable_on_error():
                descriptor = self._descriptor
                fcntl.lockf(descriptor, fcntl.LOCK_EX, 1, slot)
            try:
                yield
            finally:
                fcntl.lockf(descriptor, fcntl.LOCK_UN, 1, slot)

    def close(self) -> None:
        """Let the file go; no turn is to be held or asked for afterwards."""
        if "_descriptor" in vars(self):
            os.close(self._descriptor)

    @cached_property
    def _descriptor(self) -> int:
        """The file's descriptor, the only one of this process: closing another would free its locks."""
        return os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
