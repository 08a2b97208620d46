"""What a store of versions does, whatever it keeps them in."""

import re
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from service.errors import InvalidRequest
from service.store.metadata import Metadata

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
LAST_VERSION = 10**18 - 1
NAME_RULE = "1 to 128 letters, digits, dots, hyphens and underscores, the first a letter or digit"


class Version(NamedTuple):
    """One version of a model; `tag` differs between any two files that ever had its name."""

    model: str
    number: int
    tag: str


class Head(NamedTuple):
    """Where the versions of a model end: the newest, None if there is none, and the number of the next. `remains` is
    what was kept of later ones that are deleted."""

    newest: Version | None
    next_number: int
    tombstone: bytes = b""


class Store(Protocol):
    """Versions count 1, 2, 3 … and never change. Every method may raise StoreUnavailable, and those that
    take a model's name InvalidRequest."""

    def models(self) -> list[str]:
        """The names of all models in order; some may have lost their last version."""

    def versions(self, model: str) -> list[int]:
        """The versions of `model`, ascending; raises ModelNotFound."""

    def version(self, model: str, number: int) -> Version:
        """Raises ModelNotFound or VersionNotFound."""

    def serving(self, model: str) -> Version:
        """The version that answers predictions: the newest, unless one is pinned. Raises ModelNotFound."""

    def newest(self, model: str) -> Version | None:
        """The version with the highest number; None for a model that is not there."""

    def head(self, model: str) -> Head:
        """The newest version and the number that the next will have."""

    def publish_lock(self, model: str) -> AbstractContextManager[None]:
        """Hold off other publishers of `model` on this machine."""

    def publish(self, model: str, artifact: bytes, after: Head | None = None) -> Version:
        """Keep `artifact` durably as the next version; nothing is visible before it is whole.

        Raises Conflict if the model's tip is no longer `after`.
        """

    def pin(self, model: str, number: int | None) -> None:
        """Let `number` be served whatever is published, or, with None, the newest again."""

    def pinned(self, model: str) -> Version | None:
        """The pinned version; raises InvalidModelConfig if the pin cannot be followed."""

    def delete_version(self, model: str, number: int, tombstone: bytes = b"") -> None:
        """Raises Conflict for a pinned or only version. Its number is never given again; if that was the highest,
        `remains` is kept."""

    def delete_model(self, model: str) -> None:
        """Delete all of a model; raises ModelNotFound."""

    def retain(self, model: str, versions: int) -> None:
        """Delete all but the newest `versions`, and the pinned one."""

    def about(self, model: str) -> Metadata:
        """The model's description and labels."""

    def describe(self, model: str, change: Metadata) -> None:
        """Change the description and labels that `change` holds, null removing them; raises ModelNotFound, and
        InvalidRequest for too many labels."""

    def read(self, version: Version) -> bytes:
        """The file of `version`; raises VersionNotFound if it is gone."""

    def change_mark(self, model: str) -> int:
        """A number that differs after each change of `model` by any process of this machine."""

    def changed(self) -> list[tuple[str, int]]:
        """The names of all models, each with the Unix time in ns of its last change; the last changed first."""

    def check_ready(self) -> None:
        """Raise StoreUnavailable unless versions can be read and published now."""


def check_name(model: str) -> str:
    """`model`, if it can name one; raises InvalidRequest."""
    if not NAME.fullmatch(model):
        raise InvalidRequest.at("/model", f"{model!r} cannot name a model; give {NAME_RULE}")
    return model
