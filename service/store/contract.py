"""What a store of versions does, whatever it keeps them in."""

import re
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from service.errors import InvalidRequest

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
NAME_RULE = "1 to 128 letters, digits, dots, hyphens and underscores, the first a letter or digit"


class Version(NamedTuple):
    """One version of a model; `tag` differs between any two files that ever had its name."""

    model: str
    number: int
    tag: str


class Store(Protocol):
    """Versions count 1, 2, 3 … and never change. Every method but `is_ready` may raise StoreUnavailable, and those that
    take a model's name InvalidRequest."""

    def models(self) -> Iterator[str]:
        """The names of models with a version, in no order."""

    def versions(self, model: str) -> list[int]:
        """The versions of `model`, ascending; raises ModelNotFound."""

    def version(self, model: str, number: int) -> Version:
        """Raises ModelNotFound or VersionNotFound."""

    def serving(self, model: str) -> Version:
        """The version that answers predictions: the newest, unless one is pinned. Raises ModelNotFound."""

    def publish(self, model: str, artifact: bytes) -> Version:
        """Keep `artifact` durably as the next version; nothing is visible before it is whole."""

    def read(self, version: Version) -> bytes:
        """The file of `version`; raises VersionNotFound if it is gone."""

    def generation(self, model: str) -> int:
        """A number that differs after each change of `model` by any process of this machine."""

    def changed(self) -> list[tuple[str, int]]:
        """The names of all models, each with the Unix time in ns of its last change; the last changed first."""

    def is_ready(self) -> bool:
        """Whether versions can be read and published now."""


def check_name(model: str) -> str:
    """`model`, if it can name one; raises InvalidRequest."""
    if not NAME.fullmatch(model):
        raise InvalidRequest.at("/model", f"{model!r} cannot name a model; give {NAME_RULE}")
    return model
