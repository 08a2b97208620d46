"""Files that are whole or not there, on disks that may lose what was not synced."""

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
"""Names of temporary things never start with a digit: Triton takes 7.tmp for version 7."""

log = logging.getLogger(__name__)


@contextlib.contextmanager
def temporary_folder(parent: Path) -> Iterator[Path]:
    """A folder that is locked while its maker lives, and gone afterwards unless it was renamed."""
    path, lock = _make_locked(parent)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def write_durably(path: Path, data: bytes) -> None:
    """A new file, on the disk when this returns."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def replace_durably(path: Path, data: bytes) -> None:
    """The file with new content, old or new whatever happens, and on the disk when this returns."""
    with temporary_folder(path.parent) as temporary:
        write_durably(temporary / path.name, data)
        (temporary / path.name).replace(path)
        sync(path.parent)


def sync(folder: Path) -> None:
    """Have the folder's entries on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(root: Path) -> int:
    """Delete the temporary folders one level below `root` whose makers are gone, and say how many."""
    return sum(_remove_if_abandoned(path) for folder in root.iterdir() for path in _temporary_in(folder))


def content(path: Path) -> bytes | None:
    """What a file holds; None if it is not there."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise unavailable(error) from error


@contextlib.contextmanager
def unavailable_on_error() -> Iterator[None]:
    """Let failures of the file system be told as the store's."""
    try:
        yield
    except OSError as error:
        raise unavailable(error) from error


def unavailable(error: OSError) -> StoreUnavailable:
    """What a failure of the file system means to users."""
    return StoreUnavailable(f"The store cannot be used: {error.strerror or 'input/output error'}.")


def _make_locked(parent: Path) -> tuple[Path, int]:
    while True:
        path = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=parent))
        with contextlib.suppress(FileNotFoundError):  # a sweep met it before it was locked
            return path, _locked(path)


def _locked(path: Path) -> int:
    """The descriptor that locks a new folder; on an error neither it nor the folder stays. Raises FileNotFoundError if
    the folder is gone."""
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
    """The temporary folders in `folder`; none if it is deleted meanwhile."""
    with contextlib.suppress(FileNotFoundError):
        return list(folder.glob(f"{TEMPORARY}*"))
    return []


def _remove_if_abandoned(path: Path) -> bool:
    """Remove a folder whose lock is free, holding the lock: a maker that comes late waits, and finds it gone. One that
    cannot be looked at stays."""
    try:
        lock = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    except OSError as error:
        log.warning("%s cannot be swept: %s", path, error.strerror)
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(path, ignore_errors=True)
    except OSError:  # its maker lives, or it cannot be locked
        return False
    finally:
        os.close(lock)
    return True
