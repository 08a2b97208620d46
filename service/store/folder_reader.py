"""Reading a store in a folder, which has the layout of Triton's model repository (see models/README.md)."""

import contextlib
import itertools
import os
from collections.abc import Iterable, Iterator
from operator import itemgetter
from pathlib import Path

from service.errors import InvalidModelConfig, ModelNotFound, StoreUnavailable, VersionNotFound
from service.store import durable_files, metadata, triton_config, version_numbers
from service.store.base import NAME, Head, Version, check_name
from service.store.change_marks import ChangeMarks
from service.store.durable_files import unavailable_on_error
from service.store.metadata import Metadata

ARTIFACT = "model.pt"
CONFIG = "config.pbtxt"
METADATA = "about.json"
CHANGE_MARKS = ".change-marks"


class FolderReader:
    """The methods of `Store` that read.

    Every method may raise StoreUnavailable. Methods that take a model's name raise InvalidRequest for an invalid one.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        with unavailable_on_error():
            self._root.mkdir(parents=True, exist_ok=True)
            self._change_marks = ChangeMarks(self._root / CHANGE_MARKS)

    def models(self) -> list[str]:
        """Return the names of all models in order; a model may have no version left."""
        with unavailable_on_error(), os.scandir(self._root) as entries:
            return sorted(entry.name for entry in filter(_may_be_model, entries))

    def versions(self, model: str) -> list[int]:
        """Return the version numbers of `model` in ascending order; raises ModelNotFound."""
        found = [version.number for version in self._versions(model, version_numbers.used(self._folder(model)))]
        if not found:
            raise _model_not_found(model)
        return found

    def version(self, model: str, number: int) -> Version:
        """Return version `number` of `model`; raises ModelNotFound or VersionNotFound."""
        version = self._find(model, number)
        if version is None:
            newest = self.versions(model)[-1]
            raise VersionNotFound(f"Model {model!r} has no version {number}; its newest is {newest}.")
        return version

    def newest(self, model: str) -> Version | None:
        """Return the version with the highest number; None for an unknown model."""
        return self._newest(model, version_numbers.used(self._folder(model)))

    def head(self, model: str) -> Head:
        """Return the newest version and the number of the next one."""
        folder = self._folder(model)
        used = version_numbers.used(folder)
        newest = self._newest(model, used)
        last = newest.number if newest else 0
        deleted = version_numbers.deleted_newest(folder)  # read last, because a deletion writes it first
        tombstone = durable_files.content(folder / version_numbers.TOMBSTONE) if deleted > last else None
        free = (number for number in itertools.count(max(last, deleted) + 1) if number not in used)
        return Head(newest, next(free), tombstone or b"")

    def serving(self, model: str) -> Version:
        """Return the version that answers predictions: the pinned one, else the newest. Raises ModelNotFound."""
        found = self.pinned(model) or self.newest(model)
        if found is None:
            raise _model_not_found(model)
        return found

    def pinned(self, model: str) -> Version | None:
        """Return the pinned version, if any; raises InvalidModelConfig."""
        with invalid_config_on_error(model):
            number = triton_config.pinned_version(self._config(model))
            return None if number is None else self.version(model, number)

    def read(self, version: Version) -> bytes:
        """Return the artifact of `version`; raises VersionNotFound if it has been deleted."""
        artifact = durable_files.content(self._artifact(version.model, version.number))
        if artifact is None:
            raise VersionNotFound(f"Version {version.number} of {version.model!r} has been deleted.")
        return artifact

    def about(self, model: str) -> Metadata:
        """Return the description and labels of a model."""
        return metadata.read(durable_files.content(self._folder(model) / METADATA))

    def change_mark(self, model: str) -> int:
        """Return a number that changes whenever any process of this machine changes `model`."""
        return self._change_marks.of(model)

    def changed(self) -> list[tuple[str, int]]:
        """Return all models with the Unix time in ns of their last change, the last changed first."""
        models = []
        with unavailable_on_error(), os.scandir(self._root) as entries:
            for entry in filter(_may_be_model, entries):
                with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
                    models.append((entry.name, entry.stat().st_mtime_ns))
        return sorted(models, key=itemgetter(1), reverse=True)

    def check_ready(self) -> None:
        """Raise StoreUnavailable unless versions can be read and published."""
        if not os.access(self._root, os.R_OK | os.W_OK | os.X_OK):
            raise StoreUnavailable("The store's folder is not readable and writable (DESCENT_STORE).")

    def close(self) -> None:
        """Close the files that are kept open; the store cannot be used afterwards."""
        self._change_marks.close()

    def _folder(self, model: str) -> Path:
        return self._root / check_name(model)

    def _artifact(self, model: str, number: int) -> Path:
        return self._folder(model) / str(number) / ARTIFACT

    def _find(self, model: str, number: int) -> Version | None:
        with unavailable_on_error(), contextlib.suppress(FileNotFoundError, NotADirectoryError):
            status = self._artifact(model, number).stat()
            return Version(model, number, f"{status.st_ino:x}-{status.st_mtime_ns:x}-{status.st_size:x}")
        return None

    def _versions(self, model: str, used: Iterable[int]) -> Iterator[Version]:
        """Return the versions among the used numbers: those with an artifact."""
        return filter(None, (self._find(model, number) for number in used))

    def _newest(self, model: str, used: list[int]) -> Version | None:
        return next(self._versions(model, reversed(used)), None)

    def _pinned_number(self, model: str) -> int | None:
        """Return the pinned version's number; None also for an invalid configuration, with which no version serves."""
        with contextlib.suppress(InvalidModelConfig):
            pinned = self.pinned(model)
            return pinned.number if pinned else None
        return None

    def _config(self, model: str) -> str:
        """Return the model's configuration; raises ValueError if it is not UTF-8."""
        config = durable_files.content(self._folder(model) / CONFIG)
        return triton_config.DEFAULT if config is None else config.decode("utf-8")


@contextlib.contextmanager
def invalid_config_on_error(model: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, VersionNotFound) as error:
        raise InvalidModelConfig(f"{CONFIG} of model {model!r} is invalid: {error}") from error


def _model_not_found(model: str) -> ModelNotFound:
    return ModelNotFound(f"Model {model!r} does not exist; train it first.")


def _may_be_model(entry: "os.DirEntry[str]") -> bool:
    return NAME.fullmatch(entry.name) is not None and entry.is_dir()
