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
_QUERY = re.compile(f"model=({NAME.pattern})")
_PATH = re.compile(f"/models/({NAME.pattern})(?:/versions/([1-9][0-9]{{0,17}}))?/predict")


class PredictRoute(NamedTuple):
    """A prediction: its labels in metrics and logs, the path, and the version, None for the serving one."""

    labels: RequestLabels
    path: str
    model: str
    version: int | None = None
    accepts_encoding: bool = False


def match_route(head: RequestHead) -> RouteMatch | None:
    """Return the route of a request whose response Flask would make with the same bytes; else None."""
    max_body = simd.MIN_BYTES - 1 if head.accepts_encoding else MAX_BODY_BYTES  # longer responses are compressed
    if (
        head.method == "POST"
        and head.is_plain
        and head.media_type in CONTENT_TYPES
        and head.accept in ACCEPTS
        and head.body_length is not None
        and 0 < head.body_length <= max_body
        and _is_plain_host(head.host)
    ):
        route = _predict_route(head.path, head.query)
        return route and RouteMatch(route._replace(accepts_encoding=head.accepts_encoding))
    return None


def _predict_route(path: str, query: str) -> PredictRoute | None:
    if path == "/predict":
        model = _QUERY.fullmatch(query)
        if model or not query:
            return PredictRoute(_labels(path), path, model[1] if model else DEFAULT_MODEL)
    elif not query and (match := _PATH.fullmatch(path)):
        name, number = match.groups()
        if number is None:
            return PredictRoute(_labels("/models/<model>/predict"), path, name)
        return PredictRoute(_labels("/models/<model>/versions/<version:version>/predict"), path, name, int(number))
    return None


def _labels(route: str) -> RequestLabels:
    return RequestLabels(route, "POST", 200, "prediction")


@lru_cache(maxsize=64)
def _is_plain_host(host: str) -> bool:
    """Return whether Flask's router accepts the host: a DNS name without punycode, or an IP address."""
    return _HOST.fullmatch(host) is not None and "xn--" not in host.lower()
