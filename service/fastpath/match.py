"""Requests with a plain head, and which of them the quick way may answer once their body is there."""

from functools import lru_cache
from typing import NamedTuple

from service.fastpath import http_head, predict

KEPT = 256
"""Heads of which it is remembered what they say: clients send the same one with each of their requests."""


class Plain(NamedTuple):
    """A plain head: where the body begins and ends, whether the connection stays open after the answer, and what is
    called, if the quick way may answer it."""

    start: int
    end: int
    keeps_alive: bool
    call: predict.Call | None


INCOMPLETE = Plain(0, http_head.MOST_BYTES, keeps_alive=True, call=None)
"""A head of which more is to come. Whatever it is, its request ends no sooner than a head may."""


def begun(received: bytes) -> Plain | None:
    """The plain head that `received` begins with; `INCOMPLETE` if it cannot be told yet, None if it is not plain."""
    return _read(received[: http_head.size(received)]) or _not_read(received)


def _not_read(received: bytes) -> Plain | None:
    return None if http_head.size(received) or len(received) >= http_head.MOST_BYTES else INCOMPLETE


@lru_cache(maxsize=KEPT)
def _read(head: bytes) -> Plain | None:
    found = http_head.read(head)
    return found and Plain(found.start, found.end, found.keeps_alive, predict.recognised(found.environ))
