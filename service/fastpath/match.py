"""Routes of the fast path: predictions of rows in a small JSON body."""

import re
from functools import lru_cache
from typing import NamedTuple

from service.fastpath.interface import RequestHead, RouteMatch
from service.formats.json import simd
from service.observability.request_log import RequestLabels
from service.store.base import NAME

MAX_BODY_BYTES = 1 << 18
"""In larger bodies the rows cost far more than Flask does."""
DEFAULT_MODEL = "default"
CONTENT_TYPES = frozenset({"application/json", "application/json; charset=utf-8", "application/json;charset=utf-8"})
ACCEPTS = frozenset({"*/*", "application/json", "application/json, */*"})

_LABEL = "[A-Za-z0-9-]{1,63}"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:]+\])(?::[0-9]{{1,5}})?")
_TARGET = re.compile(
    rf"/predict\?(?:model=({NAME.pattern}))?|/models/({NAME.pattern})(?:/versions/([1-9][0-9]{{0,17}}))?/predict\?"
)


class PredictRoute(NamedTuple):
    """A prediction: its labels in metrics and logs, the path, and the version, None for the serving one."""

    labels: RequestLabels
    path: str
    model: str
    version: int | None
    accepts_encoding: bool


def match_route(head: RequestHead) -> RouteMatch | None:
    """Return the route of a request whose response Flask would make with the same bytes; else None."""
    max_body = simd.MIN_BYTES - 1 if head.accepts_encoding else MAX_BODY_BYTES  # longer responses are compressed
    if (
        head.method == "POST"
        and head.is_plain
        and head.media_type in CONTENT_TYPES
        and head.accept in ACCEPTS
        and 0 < (head.body_length or 0) <= max_body
        and _is_plain_host(head.host)
    ):
        return _match_target(head)
    return None


def _match_target(head: RequestHead) -> RouteMatch | None:
    target = _TARGET.fullmatch(f"{head.path}?{head.query}")
    if target is None:
        return None
    queried, model, number = target.groups()
    rule = "/predict"
    if model:
        rule = "/models/<model>/versions/<version:version>/predict" if number else "/models/<model>/predict"
    labels = RequestLabels(rule, "POST", 200, "prediction")
    version = int(number) if number else None
    return RouteMatch(
        PredictRoute(labels, head.path, model or queried or DEFAULT_MODEL, version, head.accepts_encoding)
    )


@lru_cache(maxsize=64)
def _is_plain_host(host: str) -> bool:
    """Return whether Flask's router accepts the host: a DNS name without punycode, or an IP address."""
    return _HOST.fullmatch(host) is not None and "xn--" not in host.lower()
