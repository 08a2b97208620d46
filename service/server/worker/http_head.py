"""Parses the heads of requests, once for each request.

Heads that are plain mean the same to gunicorn's parser, which takes ten times as long.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from service.fastpath.interface import RequestHead, RouteMatch

END = b"\r\n\r\n"
MAX_HEAD_BYTES = 1 << 17
"""Longer heads are left to gunicorn's parser: sixteen fields of its default maximum have this size."""
MAX_LINE_BYTES = 8190
"""The longest request line that gunicorn can be configured to accept."""
MAX_PLAIN_BYTES = 4096
MAX_FIELDS = 100
"""gunicorn's default."""
MAX_CACHED = 256

_PLAIN = re.compile(rb"POST /[!\"$&-~]* HTTP/1\.1\r\n(?:[A-Za-z][A-Za-z0-9-]*:[\t -~]*\r\n)+\r\n")
_DIGITS = re.compile("[0-9]{1,18}")
_READ = re.compile(
    rb"accept(?:-encoding)?|connection|content-(?:encoding|length|type)|expect|host|transfer-encoding|x-request-id"
)
_UNUSUAL = re.compile(
    rb"content-encoding|expect|http2-settings|te|trailer|transfer-encoding|upgrade|x-forwarded-(?:proto|protocol|ssl)"
)
_PER_REQUEST = re.compile(
    rb"\r\n(?:[xX]-[rR][eE][qQ][uU][eE][sS][tT]-[iI][dD]:([\t -~]*)"
    rb"|(?:[tT]race(?:[pP]arent|[sS]tate)|[bB]aggage|[cC]ookie|[fF]orwarded|[sS]entry-[tT]race|[uU]ber-[tT]race-[iI]d"
    rb"|[xX]-(?:[aA]mzn-[tT]race-[iI]d|[bB]3-[A-Za-z]+|[cC]loud-[tT]race-[cC]ontext|[cC]orrelation-[iI][dD]"
    rb"|[dD]atadog-[A-Za-z-]+|[fF]orwarded-[fF]or|[rR]eal-[iI][pP])):[\t -~]*)(?=\r\n)"
)
"""Fields that differ between the requests of a client and do not change how a request is read: ids, traces, cookies."""


class ParsedHead(NamedTuple):
    """The head of a request, its size in bytes, and its route on the fast path, if any."""

    head: RequestHead
    size: int
    match: RouteMatch | None


class HeadParser:
    """Parses heads and matches routes, and caches both for heads that differ in per-request fields alone."""

    def __init__(self, match: Callable[[RequestHead], RouteMatch | None]) -> None:
        self._match = match
        self._cache: dict[bytes, ParsedHead] = {}

    def parse(self, received: bytes, searched: int = 0) -> ParsedHead | None:
        """Return the head at the start of the received bytes; None if its end is missing.

        The first `searched` bytes are known to hold no end.
        """
        end = received.find(END, searched, MAX_HEAD_BYTES)
        if end < 0:
            return None
        data = received[: end + len(END)]
        return self._cache.get(data) or self._parse(data)

    def _parse(self, data: bytes) -> ParsedHead:
        if not _may_be_plain(data):
            return ParsedHead(parse_head(data), len(data), None)
        shared, *others = _PER_REQUEST.split(data)
        request_ids = [value for value in others[::2] if value is not None]
        if len(request_ids) > 1:
            return ParsedHead(parse_head(data), len(data), None)
        shared += b"".join(others[1::2])
        parsed = self._cache.get(shared)
        if parsed is None:
            if len(self._cache) >= MAX_CACHED:
                self._cache.clear()
            head = parse_head(shared)
            parsed = ParsedHead(head, len(shared), self._match(head) if head.is_plain else None)
            self._cache[shared] = parsed
        match = parsed.match
        if match and request_ids:
            match = RouteMatch(match.route, request_ids[0].strip(b" \t").decode("ascii"))
        return ParsedHead(parsed.head, len(data), match)


def parse_head(data: bytes) -> RequestHead:
    """Return the parsed head. Its fields mean nothing if gunicorn refuses the request, and then it is not plain."""
    request_line, *lines = data[: -len(END)].split(b"\r\n", MAX_FIELDS)
    method, _, target = request_line.decode("latin-1").rpartition(" ")[0].partition(" ")
    path, _, query = target.partition("?")
    values: dict[bytes, str] = {}
    is_plain = _may_be_plain(data) and _PLAIN.fullmatch(data) is not None
    for line in lines:
        name, _, value = line.partition(b":")
        name = name.lower()
        if name in values or _UNUSUAL.fullmatch(name):
            is_plain = False
        if _READ.fullmatch(name):
            values[name] = value.strip(b" \t").decode("latin-1")
    length, connection = values.get(b"content-length", ""), values.get(b"connection", "keep-alive").lower()
    is_digits = _DIGITS.fullmatch(length) is not None
    return RequestHead(
        method=method,
        path=path,
        query=query,
        host=values.get(b"host", ""),
        media_type=values.get(b"content-type", ""),
        accept=values.get(b"accept", "*/*"),
        accepts_encoding=b"accept-encoding" in values,
        content_encoding=values.get(b"content-encoding", "").lower(),
        body_length=None if b"transfer-encoding" in values else int(length) if is_digits else 0,
        expects_continue=b"expect" in values,
        keep_alive=connection == "keep-alive",
        is_plain=is_plain and is_digits and b"host" in values and connection in ("keep-alive", "close"),
    )


def is_hopeless(received: bytes) -> bool:
    """Return whether no more bytes can complete a head that is parsed here: it or its request line is too long."""
    size = len(received)
    return size >= MAX_HEAD_BYTES or (size > MAX_LINE_BYTES and received.find(b"\n", 0, MAX_LINE_BYTES) < 0)


def _may_be_plain(data: bytes) -> bool:
    return len(data) <= MAX_PLAIN_BYTES and data.count(b"\r\n") <= MAX_FIELDS + 2  # the request line and the last line
