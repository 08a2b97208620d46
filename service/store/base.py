"""The `Store` protocol: the operations that every store of model versions provides."""

import re
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from service.errors import InvalidRequest
from service.store.metadata import Metadata

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
MAX_VERSION = 10**18 - 1
NAME_RULE = "1 to 128 letters, digits, dots, hyphens and underscores, the first a letter or digit"


class Version(NamedTuple):
    """One version of a model; `tag` differs between any two artifacts that were ever stored under this number."""

    model: str
    number: int
    tag: str


class Head(NamedTuple):
    """The newest version of a model (None without versions) and the number of the next one.

    tombstone: data kept of a newer version that has been deleted.
    """

    newest: Version | None
    next_number: int
    tombstone: bytes = b""


class Store(Protocol):
    """Versions are numbered 1, 2, 3 … and never change.

    Every method may raise StoreUnavailable. Methods that take a model's name raise InvalidRequest for an invalid one.
    """

    def models(self) -> list[str]:
        """Return the names of all models in order; a model may have no version left."""

    def versions(self, model: str) -> list[int]:
        """Return the version numbers of `model` in ascending order; raises ModelNotFound."""

    def version(self, model: str, number: int) -> Version:
        """Return version `number` of `model`; raises ModelNotFound or VersionNotFound."""

    def serving(self, model: str) -> Version:
        """Return the version that answers predictions: the pinned one, else the newest. Raises ModelNotFound."""

    def newest(self, model: str) -> Version | None:
        """Return the version with the highest number; None for an unknown model."""

    def head(self, model: str) -> Head:
        """Return the newest version and the number of the next one."""

    def publish_lock(self, model: str) -> AbstractContextManager[None]:
        """Hold the lock that keeps other publishers of `model` on this machine waiting."""

    def publish(self, model: str, artifact: bytes, after: Head | None = None) -> Version:
        """Store `artifact` durably as the next version, which becomes visible in one step.

        Raises Conflict if the head of the model is no longer `after`. Raises StoreUnavailable with the version's number
        if the version is visible but not known to be durable.
        """

    def pin(self, model: str, number: int | None) -> None:
        """Serve version `number` from now on, or the newest again with None."""

    def pinned(self, model: str) -> Version | None:
        """Return the pinned version, if any; raises InvalidModelConfig."""

    def delete_version(self, model: str, number: int, tombstone: bytes = b"") -> None:
        """Delete a version, whose number is not used again; raises Conflict for a pinned version and for the only one.

        `tombstone` is kept if the version is the newest.
        """

    def delete_model(self, model: str) -> None:
        """Delete a model with all its versions; raises ModelNotFound."""

    def retain(self, model: str, versions: int) -> None:
        """Delete all versions but the newest `versions` and the serving one."""

    def about(self, model: str) -> Metadata:
        """Return the description and labels of a model."""

    def describe(self, model: str, change: Metadata) -> None:
        """Update description and labels; null removes one. Raises ModelNotFound, and InvalidRequest for too many."""

    def read(self, version: Version) -> bytes:
        """Return the artifact of `version`; raises VersionNotFound if it has been deleted."""

    def change_mark(self, model: str) -> int:
        """Return a number that changes whenever any process of this machine changes `model`."""

    def changed(self) -> list[tuple[str, int]]:
        """Return all models with the Unix time in ns of their last change, the last changed first."""

    def check_ready(self) -> None:
        """Raise StoreUnavailable unless versions can be read and published."""


def check_name(model: str) -> str:
    """Return `model` if it is a valid name; raises InvalidRequest."""
    if not NAME.fullmatch(model):
        raise InvalidRequest.at("/model", f"{model!r} is not a valid model name; use {NAME_RULE}")
    return model
