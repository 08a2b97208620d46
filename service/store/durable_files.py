"""Atomic and durable changes of files: written to a temporary folder, synced, renamed."""

import contextlib
import fcntl
import glob
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


def replace_durably(path: Path, data: bytes, change: str) -> None:
    """Replace a file atomically; raises StoreUnavailable as `sync_visible` does."""
    with temporary_folder(path.parent) as temporary:
        write_durably(temporary / path.name, data)
        (temporary / path.name).replace(path)
        sync_visible(path.parent, change)


def sync(folder: Path) -> None:
    """Sync the entries of a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_visible(folder: Path, change: str) -> None:
    """Sync a folder after a visible change; raises StoreUnavailable, which begins with the change."""
    try:
        sync(folder)
    except OSError as error:
        detail = f"{change}, but the disk has not confirmed it ({error.strerror}), so a power failure may undo it."
        raise StoreUnavailable(f"{detail} Repeat the request, with the same Idempotency-Key if it has one.") from error


def sweep(root: Path) -> int:
    """Delete abandoned temporary folders one level below `root` and return their number."""
    found = glob.glob(f"*/{TEMPORARY}*", root_dir=root)  # noqa: PTH207 - Path.glob fails if a folder is deleted meanwhile
    return sum(_remove_if_abandoned(root / path) for path in found)


def content(path: Path) -> bytes | None:
    """Return the content of a file; None if it is missing."""
    with unavailable_on_error(), contextlib.suppress(FileNotFoundError, NotADirectoryError):
        return path.read_bytes()
    return None


@contextlib.contextmanager
def unavailable_on_error() -> Iterator[None]:
    """Raise StoreUnavailable for errors of the file system."""
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(f"The store cannot be used: {error.strerror or 'input/output error'}.") from error


def _make_locked(parent: Path) -> tuple[Path, int]:
    """Make a folder and return it with the descriptor that holds its lock; on an error, remove it."""
    while True:
        path = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=parent))
        with contextlib.suppress(FileNotFoundError), contextlib.ExitStack() as undo:
            undo.callback(shutil.rmtree, path, ignore_errors=True)
            lock = os.open(path, os.O_RDONLY)
            undo.callback(os.close, lock)
            fcntl.flock(lock, fcntl.LOCK_EX)
            path.stat()  # FileNotFoundError: a sweep removed the folder before it was locked
            os.fchmod(lock, 0o755)
            undo.pop_all()
            return path, lock


def _remove_if_abandoned(path: Path) -> bool:
    """Remove a folder whose lock is free; a process that waits for the lock then finds the folder gone."""
    try:
        lock = os.open(path, os.O_RDONLY)
    except FileNotFoundError:  # another process has removed it
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
