"""Change marks: one number per model, which changes with every publication and is visible to all processes at once.

The marks are 64-bit numbers in a file that every process maps into memory, indexed by a hash of the model's name.
Reading one takes about 0.1 µs. A change writes a random number, so concurrent changes need no lock.
"""

import logging
import mmap
import os
import secrets
import zlib
from pathlib import Path

SLOTS = 1 << 16
BYTES = 8 * SLOTS

log = logging.getLogger(__name__)


class ChangeMarks:
    """The marks in the file at `path`, which is created if missing. Without a usable file every mark is new."""

    def __init__(self, path: Path) -> None:
        self._marks: memoryview[int] | None = None
        try:
            with path.open("ab+") as file:
                # Writing to a hole of a mapped file raises SIGBUS when the disk is full.
                os.posix_fallocate(file.fileno(), 0, BYTES)
                self._marks = memoryview(mmap.mmap(file.fileno(), BYTES)).cast("Q")
        except OSError as error:
            log.warning("cannot use %s, so every prediction reads the store: %s", path.name, error.strerror)

    def of(self, model: str) -> int:
        """Return the mark of `model`; models whose names have the same hash share one."""
        if self._marks is None:
            return secrets.randbits(64)
        return self._marks[zlib.crc32(model.encode()) % SLOTS]

    def change(self, model: str) -> None:
        """Notify all processes that `model` has changed."""
        if self._marks is not None:
            self._marks[zlib.crc32(model.encode()) % SLOTS] = secrets.randbits(64)

    def close(self) -> None:
        """Unmap the file; the marks cannot be used afterwards."""
        if self._marks is not None:
            self._marks.release()
