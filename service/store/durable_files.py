"""Atomic and durable changes of files: written to a temporary folder, synced, renamed."""

import contextlib
import fcntl
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from service.errors import StoreUnavailable

TEMPORARY = "tmp-"
"""Prefix of temporary folders; it is no digit, because Triton reads 7.tmp as version 7."""

log = logging.getLogger(__name__)


class NotDurable(OSError):
    """A change is visible, but fsync failed, so a power failure may undo it."""


@contextlib.contextmanager
def temporary_folder(parent: Path) -> Iterator[Path]:
    """Create a folder that is locked while this process uses it, and remove it unless it has been renamed."""
    path, lock = _make_locked(parent)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def write_durably(path: Path, data: bytes) -> None:
    """Write and sync a new file."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def replace_durably(path: Path, data: bytes) -> None:
    """Replace a file atomically; raises NotDurable if it has been replaced but the folder cannot be synced."""
    with temporary_folder(path.parent) as temporary:
        write_durably(temporary / path.name, data)
        (temporary / path.name).replace(path)
        sync_changed(path.parent)


def sync(folder: Path) -> None:
    """Sync the entries of a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_changed(folder: Path) -> None:
    """Sync a folder after a visible change; raises NotDurable."""
    try:
        sync(folder)
    except OSError as error:
        raise NotDurable(error.errno, error.strerror) from error


def sweep(root: Path) -> int:
    """Delete abandoned temporary folders one level below `root` and return their number."""
    return sum(_remove_if_abandoned(path) for folder in root.iterdir() for path in _temporary_in(folder))


def content(path: Path) -> bytes | None:
    """Return the content of a file; None if it is missing."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise unavailable(error) from error


@contextlib.contextmanager
def unavailable_on_error() -> Iterator[None]:
    """Raise StoreUnavailable for errors of the file system."""
    try:
        yield
    except OSError as error:
        raise unavailable(error) from error


def unavailable(error: OSError) -> StoreUnavailable:
    """Return the StoreUnavailable for an error of the file system."""
    return StoreUnavailable(f"The store cannot be used: {error.strerror or 'input/output error'}.")


def _make_locked(parent: Path) -> tuple[Path, int]:
    while True:
        path = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=parent))
        with contextlib.suppress(FileNotFoundError):  # removed by a sweep before it was locked
            return path, _locked(path)


def _locked(path: Path) -> int:
    """Lock a new folder and return the descriptor that holds the lock; on an error, remove the folder.

    Raises FileNotFoundError if the folder has been removed.
    """
    with contextlib.ExitStack() as undo:
        undo.callback(shutil.rmtree, path, ignore_errors=True)
        lock = os.open(path, os.O_RDONLY)
        undo.callback(os.close, lock)
        fcntl.flock(lock, fcntl.LOCK_EX)
        path.stat()
        os.fchmod(lock, 0o755)
        undo.pop_all()
    return lock


def _temporary_in(folder: Path) -> list[Path]:
    with contextlib.suppress(FileNotFoundError):
        return list(folder.glob(f"{TEMPORARY}*"))
    return []


def _remove_if_abandoned(path: Path) -> bool:
    """Remove a folder whose lock is free; a process that waits for the lock then finds the folder gone."""
    try:
        lock = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    except OSError as error:
        log.warning("cannot sweep %s: %s", path, error.strerror)
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(path, ignore_errors=True)
    except OSError:  # in use, or it cannot be locked
        return False
    finally:
        os.close(lock)
    return True
