"""Requests with a plain head, and which of them the quick way may answer once their body is there."""

from functools import lru_cache
from typing import NamedTuple

from service.api import heads, quick

KEPT = 256
"""Heads of which it is remembered what they say: clients send the same one with each of their requests."""


class Plain(NamedTuple):
    """A plain head: where the body begins and ends, whether the connection stays open after the answer, and what is
    called, if the quick way may answer it."""

    start: int
    end: int
    keeps_alive: bool
    call: quick.Call | None


def begun(received: bytes) -> Plain | None:
    """The plain head that `received` begins with."""
    return _read(received[: heads.size(received)])


@lru_cache(maxsize=KEPT)
def _read(head: bytes) -> Plain | None:
    found = heads.read(head)
    return found and Plain(found.start, found.end, found.keeps_alive, quick.recognised(found.environ))
