"""A store in a folder. A version becomes visible by one rename of a synced folder, so readers never see half of one."""

import contextlib
import errno
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import orjson

from service.errors import Conflict
from service.store import durable_files, metadata, triton_config, version_numbers
from service.store.base import Head, Version, check_name
from service.store.durable_files import unavailable_on_error
from service.store.folder_reader import ARTIFACT, CONFIG, METADATA, FolderReader, invalid_config_on_error
from service.store.metadata import Metadata
from service.store.publish_lock import publish_lock

PUBLISH_LOCK = ".publish-lock"


class Store(FolderReader):
    """The versions of models in the folder `root`, which is created if missing.

    Versions are numbered 1, 2, 3 … and never change.
    """

    def publish_lock(self, model: str) -> AbstractContextManager[None]:
        """Hold the lock that keeps other publishers of `model` on this machine waiting."""
        return publish_lock(self._root / PUBLISH_LOCK, check_name(model))

    def publish(self, model: str, artifact: bytes, after: Head | None = None) -> Version:
        """Store `artifact` durably as the next version, which becomes visible in one step.

        Raises Conflict if the head of the model is no longer `after`. Raises StoreUnavailable with the version's number
        if the version is visible but not known to be durable.
        """
        folder = self._folder(model)
        with unavailable_on_error():
            self._prepare(folder)
            with durable_files.temporary_folder(folder) as temporary:
                durable_files.write_durably(temporary / ARTIFACT, artifact)
                durable_files.sync(temporary)
                number = self._rename_to_next(temporary, model, after)
        with self._changing(model):
            durable_files.sync_visible(folder, f"Version {number} of {model!r} is published")
        return self.version(model, number)

    def pin(self, model: str, number: int | None) -> None:
        """Serve version `number` from now on, or the newest again with None."""
        with self.publish_lock(model):
            if number is None:
                self.versions(model)
            else:
                self.version(model, number)
            with invalid_config_on_error(model):
                config = triton_config.with_pin(self._config(model), number)
            change = f"{model!r} is unpinned" if number is None else f"Version {number} of {model!r} is pinned"
            with self._changing(model):
                durable_files.replace_durably(self._folder(model) / CONFIG, config.encode(), change)

    def describe(self, model: str, change: Metadata) -> None:
        """Update description and labels; null removes one. Raises ModelNotFound, and InvalidRequest for too many."""
        with self.publish_lock(model):
            self.versions(model)
            data = orjson.dumps(metadata.changed(self.about(model), change))
            with self._changing(model):
                path = self._folder(model) / METADATA
                durable_files.replace_durably(path, data, f"The description of {model!r} is changed")

    def delete_version(self, model: str, number: int, tombstone: bytes = b"") -> None:
        """Delete a version, whose number is not used again; raises Conflict for a pinned version and for the only one.

        `tombstone` is kept if the version is the newest.
        """
        with self.publish_lock(model):
            self.version(model, number)
            versions = self.versions(model)
            if number == self._pinned_number(model):
                raise Conflict(f"Version {number} of {model!r} is pinned; unpin it, or pin another, first.")
            if versions == [number]:
                raise Conflict(f"Version {number} is the only one of {model!r}; delete the model instead.")
            if number == versions[-1]:
                with unavailable_on_error():
                    version_numbers.write_tombstone(self._folder(model), number, tombstone)
            self._delete(model, number)

    def delete_model(self, model: str) -> None:
        """Delete a model with all its versions; raises ModelNotFound."""
        with self.publish_lock(model):
            pinned = self._pinned_number(model)
            # The serving version is deleted last, so that no other version is served meanwhile.
            *others, serving = sorted(self.versions(model), key=lambda number: (number == pinned, number))
            for number in others:
                self._delete(model, number)
            folder, change = self._folder(model), f"Model {model!r} is deleted"
            with self._changing(model):
                with durable_files.temporary_folder(folder) as trash:
                    (folder / str(serving)).rename(trash / str(serving))
                for name in (version_numbers.DELETED_NEWEST, version_numbers.TOMBSTONE, METADATA, CONFIG):
                    (folder / name).unlink(missing_ok=True)
                try:
                    folder.rmdir()
                except OSError:  # it has files that are not the service's
                    durable_files.sync_visible(folder, change)
                durable_files.sync_visible(self._root, change)

    def retain(self, model: str, versions: int) -> None:
        """Delete all versions but the newest `versions` and the serving one."""
        with self.publish_lock(model):
            serving = self.serving(model).number
            for number in self.versions(model)[:-versions]:
                if number != serving:
                    self._delete(model, number)

    def sweep(self) -> int:
        """Delete unfinished publications of killed processes and return their number."""
        return durable_files.sweep(self._root)

    @contextlib.contextmanager
    def _changing(self, model: str) -> Iterator[None]:
        """Notify all processes of a change of `model`, even if it fails: it may be visible all the same."""
        try:
            with unavailable_on_error():
                yield
        finally:
            self._change_marks.change(model)

    def _prepare(self, folder: Path) -> None:
        """Create a model's folder with its configuration."""
        if (folder / CONFIG).exists():
            return
        folder.mkdir(exist_ok=True)
        durable_files.sync(self._root)  # first, because the configuration marks the folder as prepared
        with durable_files.temporary_folder(folder) as temporary:
            durable_files.write_durably(temporary / CONFIG, triton_config.DEFAULT.encode())
            # Synced together with the version's rename, which follows in the same folder.
            with contextlib.suppress(FileExistsError):
                os.link(temporary / CONFIG, folder / CONFIG)

    def _rename_to_next(self, temporary: Path, model: str, after: Head | None) -> int:
        """Rename `temporary` to the next version. Without `after`, skip a number that another publisher has taken."""
        folder = self._folder(model)
        while True:
            head = self.head(model)
            if after is not None and head != after:
                raise Conflict(f"Model {model!r} has been changed by another request; repeat this one.")
            try:
                temporary.rename(folder / str(head.next_number))
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
            else:
                return head.next_number

    def _delete(self, model: str, number: int) -> None:
        """Hide a version by a rename, then delete it."""
        folder = self._folder(model)
        with self._changing(model), durable_files.temporary_folder(folder) as temporary:
            (folder / str(number)).rename(temporary / str(number))
            durable_files.sync_visible(folder, f"Version {number} of {model!r} is deleted")
