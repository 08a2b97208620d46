"""Requests with a plain head, and which of them the quick way may answer once their body is there."""

from functools import lru_cache
from typing import NamedTuple

from service.fastpath import http_head, predict

KEPT = 256
"""Heads of which it is remembered what they say: clients send the same one with each of their requests."""


class ParsedHead(NamedTuple):
    """A plain head: where the body begins and ends, whether the connection stays open after the answer, and what is
    called, if the quick way may answer it."""

    start: int
    end: int
    keeps_alive: bool
    call: predict.RouteMatch | None


NEED_MORE = ParsedHead(0, http_head.MOST_BYTES, keeps_alive=True, call=None)
"""A head of which more is to come. Whatever it is, its request ends no sooner than a head may."""


def parse_head(received: bytes) -> ParsedHead | None:
    """The plain head that `received` begins with; `INCOMPLETE` if it cannot be told yet, None if it is not plain."""
    return _read(received[: http_head.size(received)]) or _not_read(received)


def _not_read(received: bytes) -> ParsedHead | None:
    return None if http_head.size(received) or len(received) >= http_head.MOST_BYTES else NEED_MORE


@lru_cache(maxsize=KEPT)
def _read(head: bytes) -> ParsedHead | None:
    found = http_head.read(head)
    return found and ParsedHead(found.start, found.end, found.keeps_alive, predict.match_route(found.environ))
