"""The folder with the workers' metrics files, and the removal of folders that killed services left behind."""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

PREFIX = "descent-metrics-"
IN_USE = "in-use"
"""A file that is locked before it gets this name, until the last process of the service ends."""


def make() -> Path:
    """Return a new folder, in use by this process and those that it forks."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    unnamed = folder / "new"
    descriptor = os.open(unnamed, os.O_RDWR | os.O_CREAT, 0o600)  # closed by the kernel, which releases the lock
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    unnamed.rename(folder / IN_USE)
    return folder


def sweep() -> int:
    """Remove the folders of ended services and return their number."""
    return sum(_remove_if_unused(folder) for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"))


def _remove_if_unused(folder: Path) -> bool:
    try:
        with os.fdopen(os.open(folder / IN_USE, os.O_RDWR | os.O_NOFOLLOW)) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    except OSError:  # in use, unfinished, another user's, or of a version that did not lock it
        return False
    return True
