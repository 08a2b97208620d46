"""Versions of models, and the names of models."""

import re
from typing import NamedTuple

from service.errors import InvalidRequest

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


def check_name(model: str) -> str:
    """Return `model` if it is a valid name; raises InvalidRequest."""
    if not NAME.fullmatch(model):
        raise InvalidRequest.at("/model", f"{model!r} is not a valid model name; use {NAME_RULE}")
    return model
