"""The folder that the workers of one service count in, and how those of services that were killed are found."""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

PREFIX = "descent-metrics-"
IN_USE = "in-use"
"""A file that has been locked before it had this name, and is until no process of the service is left."""


def make() -> Path:
    """An empty folder, in use by this process and those that it forks."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    unnamed = folder / "new"
    descriptor = os.open(unnamed, os.O_RDWR | os.O_CREAT, 0o600)  # never closed: the kernel does it, however we end
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    unnamed.rename(folder / IN_USE)
    return folder


def sweep() -> int:
    """Remove the folders that nobody uses any more; how many there were."""
    return sum(_remove_if_unused(folder) for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"))


def _remove_if_unused(folder: Path) -> bool:
    try:
        lock = os.open(folder / IN_USE, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:  # it is being made, or is another user's, or that of a release that did not lock it
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True
