"""A store in a folder, in the layout of Triton's model repository (see models/README.md).

A version appears by one rename of a folder that is already on the disk, so that a reader, a crash or a kill never meets
half of one.
"""

import contextlib
import errno
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from service.errors import ModelNotFound, StoreUnavailable, VersionNotFound
from service.store.contract import NAME, Version, check_name
from service.store.generations import Generations

ARTIFACT = "model.pt"
GENERATIONS = ".generations"
CONFIG = "config.pbtxt"
TEMPORARY = "tmp-"
"""Names of temporary things never start with a digit: Triton takes 7.tmp for version 7."""

LARGEST_NUMBER = 2**63 - 1
NUMBER = re.compile(r"[1-9][0-9]*")
PIN = re.compile(r"specific\s*{\s*versions:\s*\[\s*(\d+)\s*\]")

CONFIGURATION = """\
platform: "pytorch_libtorch"
max_batch_size: 0
input [ { name: "INPUT__0" data_type: TYPE_FP64 dims: [ -1, -1 ] } ]
output [ { name: "OUTPUT__0" data_type: TYPE_FP64 dims: [ -1 ] } ]
instance_group [ { kind: KIND_CPU } ]
version_policy { latest { num_versions: 1 } }
"""


class FolderStore:
    """The store in the folder `root`, which is made if it is not there."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        with _unavailable_on_error():
            self._root.mkdir(parents=True, exist_ok=True)
            self._generations = Generations(self._root / GENERATIONS)

    def models(self) -> Iterator[str]:
        with _unavailable_on_error(), os.scandir(self._root) as entries:
            for entry in entries:
                if _may_be_model(entry) and _numbers(Path(entry.path)):
                    yield entry.name

    def versions(self, model: str) -> list[int]:
        numbers = sorted(_numbers(self._folder(model)))
        if not numbers:
            raise ModelNotFound(f"There is no model {model!r}; train it first.")
        return numbers

    def version(self, model: str, number: int) -> Version:
        if number > LARGEST_NUMBER:
            raise VersionNotFound(f"Model {model!r} has no version past {LARGEST_NUMBER}.")
        try:
            status = self._artifact(model, number).stat()
        except (FileNotFoundError, NotADirectoryError):
            newest = self.versions(model)[-1]
            raise VersionNotFound(f"Model {model!r} has no version {number}; its newest is {newest}.") from None
        except OSError as error:
            raise _unavailable(error) from error
        return Version(model, number, f"{status.st_ino:x}-{status.st_mtime_ns:x}-{status.st_size:x}")

    def serving(self, model: str) -> Version:
        pinned = self._pinned(model)
        return self.version(model, self.versions(model)[-1] if pinned is None else pinned)

    def publish(self, model: str, artifact: bytes) -> Version:
        folder = self._folder(model)
        with _unavailable_on_error():
            self._prepare(folder)
            with _temporary_folder(folder) as temporary:
                _write_durably(temporary / ARTIFACT, artifact)
                _sync(temporary)
                number = _rename_to_next(temporary, folder)
            _sync(folder)
        self._generations.change(model)
        return self.version(model, number)

    def read(self, version: Version) -> bytes:
        try:
            return self._artifact(version.model, version.number).read_bytes()
        except FileNotFoundError:
            raise VersionNotFound(f"Version {version.number} of {version.model!r} is gone.") from None
        except OSError as error:
            raise _unavailable(error) from error

    def generation(self, model: str) -> int:
        return self._generations.of(model)

    def changed(self) -> list[tuple[str, int]]:
        with _unavailable_on_error(), os.scandir(self._root) as entries:
            models = [(entry.name, entry.stat().st_mtime_ns) for entry in entries if _may_be_model(entry)]
        return sorted(models, key=lambda model: model[1], reverse=True)

    def is_ready(self) -> bool:
        return os.access(self._root, os.R_OK | os.W_OK | os.X_OK)

    def sweep(self) -> int:
        """Delete what killed publishers left behind, and say how many."""
        litter = [path for path in self._root.glob(f"*/{TEMPORARY}*") if _is_abandoned(path)]
        for path in litter:
            shutil.rmtree(path, ignore_errors=True)
        return len(litter)

    def _folder(self, model: str) -> Path:
        return self._root / check_name(model)

    def _artifact(self, model: str, number: int) -> Path:
        return self._folder(model) / str(number) / ARTIFACT

    def _pinned(self, model: str) -> int | None:
        try:
            found = PIN.search((self._folder(model) / CONFIG).read_text("utf-8"))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unavailable(error) from error
        return int(found[1]) if found else None

    def _prepare(self, folder: Path) -> None:
        """Make a model's folder with its configuration, which stands before the first version."""
        if (folder / CONFIG).exists():
            return
        folder.mkdir(exist_ok=True)
        with _temporary_folder(folder) as temporary:
            _write_durably(temporary / CONFIG, CONFIGURATION.encode())
            with contextlib.suppress(FileExistsError):
                os.link(temporary / CONFIG, folder / CONFIG)
        _sync(folder)
        _sync(self._root)


def _may_be_model(entry: "os.DirEntry[str]") -> bool:
    return NAME.fullmatch(entry.name) is not None and entry.is_dir()


def _numbers(folder: Path) -> list[int]:
    try:
        with os.scandir(folder) as entries:
            return [int(entry.name) for entry in entries if NUMBER.fullmatch(entry.name)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise _unavailable(error) from error


def _rename_to_next(temporary: Path, folder: Path) -> int:
    """Give `temporary` the next version's name; a name taken by a concurrent publisher is passed over."""
    while True:
        number = max(_numbers(folder), default=0) + 1
        try:
            temporary.rename(folder / str(number))
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        else:
            return number


@contextlib.contextmanager
def _temporary_folder(parent: Path) -> Iterator[Path]:
    """A folder that is locked while its maker lives, and gone afterwards unless it was renamed."""
    path, lock = _make_locked(parent)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def _make_locked(parent: Path) -> tuple[Path, int]:
    while True:
        path = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=parent))
        path.chmod(0o755)
        with contextlib.suppress(FileNotFoundError):  # a sweep met it before it was locked
            lock = os.open(path, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if path.exists():
                return path, lock
            os.close(lock)


def _is_abandoned(path: Path) -> bool:
    try:
        lock = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True


def _write_durably(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _unavailable_on_error() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unavailable(error) from error


def _unavailable(error: OSError) -> StoreUnavailable:
    return StoreUnavailable(f"The store cannot be used: {error.strerror or 'input/output error'}.")
