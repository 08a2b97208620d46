"""A store in a folder, in the layout of Triton's model repository (see models/README.md).

A version appears by one rename of a folder that is already on the disk, so that a reader, a crash or a kill never meets
half of one.
"""

import contextlib
import errno
import itertools
import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import orjson

from service.errors import Conflict, InvalidModelConfig, ModelNotFound, StoreUnavailable, VersionNotFound
from service.store import durable_files, metadata, triton_config, version_numbers
from service.store.base import LAST_VERSION, NAME, Head, Version, check_name
from service.store.change_marks import ChangeMarks
from service.store.durable_files import unavailable, unavailable_on_error
from service.store.metadata import Metadata
from service.store.publish_lock import PublishLock

ARTIFACT = "model.pt"
CONFIG = "config.pbtxt"
ABOUT = "about.json"
CHANGE_MARKS = ".generations"
TURNS = ".turns"


class FolderStore:
    """The store in the folder `root`, which is made if it is not there."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        with unavailable_on_error():
            self._root.mkdir(parents=True, exist_ok=True)
            self._change_marks = ChangeMarks(self._root / CHANGE_MARKS)
            self._publish_lock = PublishLock(self._root / TURNS)

    def models(self) -> list[str]:
        with unavailable_on_error(), os.scandir(self._root) as entries:
            return sorted(entry.name for entry in entries if _may_be_model(entry))

    def versions(self, model: str) -> list[int]:
        found = [version.number for version in self._versions(model, version_numbers.taken(self._folder(model)))]
        if not found:
            raise _no_model(model)
        return found

    def version(self, model: str, number: int) -> Version:
        if number > LAST_VERSION:
            raise VersionNotFound(f"Model {model!r} has no version past {LAST_VERSION}.")
        version = self._look_up(model, number)
        if version is None:
            newest = self.versions(model)[-1]
            raise VersionNotFound(f"Model {model!r} has no version {number}; its newest is {newest}.")
        return version

    def newest(self, model: str) -> Version | None:
        return self._newest(model, version_numbers.taken(self._folder(model)))

    def head(self, model: str) -> Head:
        folder = self._folder(model)
        taken = version_numbers.taken(folder)
        newest = self._newest(model, taken)
        last = newest.number if newest else 0
        deleted = version_numbers.deleted_newest(folder)  # which is read last, because a deletion writes it first
        tombstone = version_numbers.tombstone(folder) if deleted > last else b""
        free = (number for number in itertools.count(max(last, deleted) + 1) if number not in taken)
        return Head(newest, next(free), tombstone)

    def serving(self, model: str) -> Version:
        pinned = self.pinned(model)
        found = self.newest(model) if pinned is None else pinned
        if found is None:
            raise _no_model(model)
        return found

    def publish_lock(self, model: str) -> AbstractContextManager[None]:
        return self._publish_lock.of(check_name(model))

    def publish(self, model: str, artifact: bytes, after: Head | None = None) -> Version:
        folder = self._folder(model)
        with unavailable_on_error():
            self._prepare(folder)
            with durable_files.temporary_folder(folder) as temporary:
                durable_files.write_durably(temporary / ARTIFACT, artifact)
                durable_files.sync(temporary)
                number = self._rename_to_next(temporary, model, after)
            durable_files.sync(folder)
        self._change_marks.change(model)
        return self.version(model, number)

    def read(self, version: Version) -> bytes:
        try:
            return self._artifact(version.model, version.number).read_bytes()
        except FileNotFoundError:
            raise VersionNotFound(f"Version {version.number} of {version.model!r} is gone.") from None
        except OSError as error:
            raise unavailable(error) from error

    def pinned(self, model: str) -> Version | None:
        with _followed(model):
            number = triton_config.pin_of(self._configuration(model))
            return None if number is None else self.version(model, number)

    def pin(self, model: str, number: int | None) -> None:
        with self.publish_lock(model):
            if number is None:
                self.versions(model)
            else:
                self.version(model, number)
            with _followed(model):
                pinning = triton_config.pinning(self._configuration(model), number)
            with unavailable_on_error():
                durable_files.replace_durably(self._folder(model) / CONFIG, pinning.encode())
            self._change_marks.change(model)

    def delete_version(self, model: str, number: int, tombstone: bytes = b"") -> None:
        with self.publish_lock(model):
            self.version(model, number)
            versions = self.versions(model)
            if number == self._pin_if_followed(model):
                raise Conflict(f"Version {number} of {model!r} is pinned; unpin it, or pin another, first.")
            if versions == [number]:
                raise Conflict(f"Version {number} is the only one of {model!r}; delete the model instead.")
            if number == versions[-1]:
                with unavailable_on_error():
                    version_numbers.keep_deleted(self._folder(model), number, tombstone)
            self._delete(model, number)

    def delete_model(self, model: str) -> None:
        """The serving version goes last, so that nobody is served another meanwhile."""
        with self.publish_lock(model):
            versions = self.versions(model)
            pin = self._pin_if_followed(model)
            for number in sorted(versions, key=lambda number: (number == pin, number)):
                self._delete(model, number)
            with unavailable_on_error():
                folder = self._folder(model)
                for name in (version_numbers.NEWEST, version_numbers.REMAINS, ABOUT, CONFIG):
                    (folder / name).unlink(missing_ok=True)
                with contextlib.suppress(OSError):  # somebody else's file keeps the folder
                    folder.rmdir()
                durable_files.sync(self._root)

    def retain(self, model: str, versions: int) -> None:
        with self.publish_lock(model):
            serving = self.serving(model).number
            for number in self.versions(model)[:-versions]:
                if number != serving:
                    self._delete(model, number)

    def about(self, model: str) -> Metadata:
        about = durable_files.content(self._folder(model) / ABOUT)
        return metadata.nothing() if about is None else metadata.read(about)

    def describe(self, model: str, change: Metadata) -> None:
        with self.publish_lock(model):
            self.versions(model)
            changed = metadata.changed(self.about(model), change)
            with unavailable_on_error():
                durable_files.replace_durably(self._folder(model) / ABOUT, orjson.dumps(changed))

    def change_mark(self, model: str) -> int:
        return self._change_marks.of(model)

    def changed(self) -> list[tuple[str, int]]:
        with unavailable_on_error(), os.scandir(self._root) as entries:
            models = [(entry.name, _changed_at(entry)) for entry in entries if _may_be_model(entry)]
        there = [(model, changed) for model, changed in models if changed is not None]
        return sorted(there, key=lambda model: model[1], reverse=True)

    def check_ready(self) -> None:
        if not os.access(self._root, os.R_OK | os.W_OK | os.X_OK):
            raise StoreUnavailable("The store's folder cannot be read and written (DESCENT_STORE).")

    def close(self) -> None:
        """Let go of the files that are kept open; the store is not to be used afterwards."""
        self._change_marks.close()

    def sweep(self) -> int:
        """Delete what killed publishers left behind, and say how many."""
        return durable_files.sweep(self._root)

    def _folder(self, model: str) -> Path:
        return self._root / check_name(model)

    def _artifact(self, model: str, number: int) -> Path:
        return self._folder(model) / str(number) / ARTIFACT

    def _look_up(self, model: str, number: int) -> Version | None:
        try:
            status = self._artifact(model, number).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise unavailable(error) from error
        return Version(model, number, f"{status.st_ino:x}-{status.st_mtime_ns:x}-{status.st_size:x}")

    def _versions(self, model: str, taken: Iterable[int]) -> Iterator[Version]:
        """Which of the numbers that are taken are versions: those with an artifact."""
        return filter(None, (self._look_up(model, number) for number in taken))

    def _newest(self, model: str, taken: list[int]) -> Version | None:
        return next(self._versions(model, reversed(taken)), None)

    def _pin_if_followed(self, model: str) -> int | None:
        """The pinned version's number; None too where the pin cannot be followed, so that nothing serves."""
        with contextlib.suppress(InvalidModelConfig):
            pinned = self.pinned(model)
            return pinned.number if pinned else None
        return None

    def _configuration(self, model: str) -> str:
        """The text of a model's configuration; raises ValueError if it is none."""
        configuration = durable_files.content(self._folder(model) / CONFIG)
        return triton_config.CONFIGURATION if configuration is None else configuration.decode("utf-8")

    def _prepare(self, folder: Path) -> None:
        """Make a model's folder with its configuration, which stands before the first version."""
        if (folder / CONFIG).exists():
            return
        folder.mkdir(exist_ok=True)
        durable_files.sync(self._root)  # first, because who finds the configuration takes it for done
        with durable_files.temporary_folder(folder) as temporary:
            durable_files.write_durably(temporary / CONFIG, triton_config.CONFIGURATION.encode())
            # The link is on the disk with the version's rename, which follows it in the same folder and is synced.
            with contextlib.suppress(FileExistsError):
                os.link(temporary / CONFIG, folder / CONFIG)

    def _rename_to_next(self, temporary: Path, model: str, after: Head | None) -> int:
        """Give `temporary` the next version's name. Without `after`, one taken by somebody else is passed over."""
        folder = self._folder(model)
        while True:
            head = self.head(model)
            if after is not None and head != after:
                raise Conflict(f"Somebody else has changed model {model!r} meanwhile.")
            try:
                temporary.rename(folder / str(head.next_number))
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
            else:
                return head.next_number

    def _delete(self, model: str, number: int) -> None:
        """Rename the version away, and then delete it."""
        folder = self._folder(model)
        with unavailable_on_error(), durable_files.temporary_folder(folder) as temporary:
            (folder / str(number)).rename(temporary / str(number))
            durable_files.sync(folder)
            self._change_marks.change(model)


@contextlib.contextmanager
def _followed(model: str) -> Iterator[None]:
    """Let what cannot be followed in a configuration be told as the model's."""
    try:
        yield
    except (ValueError, VersionNotFound) as error:
        raise InvalidModelConfig(f"{CONFIG} of model {model!r} cannot be followed: {error}") from error


def _no_model(model: str) -> ModelNotFound:
    return ModelNotFound(f"There is no model {model!r}; train it first.")


def _may_be_model(entry: "os.DirEntry[str]") -> bool:
    return NAME.fullmatch(entry.name) is not None and entry.is_dir()


def _changed_at(entry: "os.DirEntry[str]") -> int | None:
    """When a folder last changed, in ns; None if it was deleted meanwhile."""
    with contextlib.suppress(FileNotFoundError):
        return entry.stat().st_mtime_ns
    return None
