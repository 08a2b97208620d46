"""The bytes of a request's body, as they come: bounded, and inflated where they are compressed."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from flask import g, request

from service.api.http.context import services
from service.core.blocks import FloatArray
from service.errors import BodyTooLarge, MalformedBody, UnsupportedMediaType
from service.formats import json
from service.formats.compression import DECOMPRESSORS, Decompressor
from service.formats.registry import TABLES
from service.formats.table import Body, TableReader
from service.settings import variable


class RequestBody:
    """The body as it was sent, of at most `bound` bytes.

    From the server's own stream: werkzeug's cuts a body of unknown length at its bound and says nothing. It is digested
    while it is read, if the request has a key to be known again by.
    """

    def __init__(self, bound: int, setting: str) -> None:
        self._adapter = services().body_adapter
        self._stream = request.environ["wsgi.input"]
        self._length = None if "Transfer-Encoding" in request.headers else request.content_length or 0
        self._bound = bound
        self._setting = setting
        self.size = 0
        self.is_read = self._length == 0
        self._hash = hashlib.blake2b(digest_size=16) if "Idempotency-Key" in request.headers else None
        if self._length is not None and self._length > bound:
            raise self._too_large()

    def read(self, size: int) -> bytes:
        """The next `size` bytes; fewer only at the end. Raises BodyTooLarge and MalformedBody."""
        wanted = self._wanted(size)
        if not wanted:
            return b""
        data = self._adapter.read(self._stream, wanted)
        self._take(memoryview(data), wanted)
        return data

    def readinto(self, buffer: memoryview) -> int:
        """As `read`, into `buffer`; how many bytes came."""
        wanted = self._wanted(len(buffer))
        if not wanted:
            return 0
        count = self._adapter.recv_into(self._stream, buffer[:wanted])
        self._take(buffer[:count], wanted)
        return count

    def _wanted(self, size: int) -> int:
        left = (self._bound + 1 if self._length is None else self._length) - self.size
        return 0 if self.is_read else min(size, left)

    def _take(self, data: memoryview, wanted: int) -> None:
        """Count what came of what was wanted; raises BodyTooLarge, and MalformedBody at an early end."""
        if self._hash:
            self._hash.update(data)
        self.size += len(data)
        if self.size > self._bound:
            raise self._too_large()
        if self._length is None:
            self.is_read = len(data) < wanted
        elif self.size == self._length:
            self.is_read = True
        elif len(data) < wanted:
            came = f"The body ended after {self.size} of the {self._length} bytes that Content-Length announced."
            raise MalformedBody(came)

    @property
    def digest(self) -> bytes:
        """What tells the bytes that were read from others; empty for a request without a key."""
        return self._hash.digest() if self._hash else b""

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(f"The body is larger than {self._bound} bytes ({self._setting}); send fewer rows.")


def media_type(*, tables: bool) -> str:
    """The body's media type; raises UnsupportedMediaType unless it is JSON, or one of `tables` where they are taken."""
    given = request.mimetype
    if given != json.MEDIA_TYPE and not (tables and given in TABLES):
        detail = f"The body's media type is {given or 'none'}; send it with Content-Type: {json.MEDIA_TYPE}"
        raise UnsupportedMediaType(f"{detail}, or one of {', '.join(TABLES)}." if tables else f"{detail}.")
    charset = request.mimetype_params.get("charset", "utf-8")
    if charset.lower() not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaType(f"The body's charset is {charset}; send UTF-8.")
    return given


def read_all(body: Body | None = None) -> bytes:
    """All of the body, of at most DESCENT_MAX_BODY_BYTES; it is opened if it is not."""
    body = body or open_body()
    data = body.read(services().body_limits.buffered + 1)
    expect_end(body)
    return data


def open_body(media_type: str = json.MEDIA_TYPE) -> Body:
    """The body, inflated if it is compressed; raises UnsupportedMediaType and BodyTooLarge."""
    streams = media_type in TABLES and TABLES[media_type].is_streaming
    if request.headers.get("Transfer-Encoding", "chunked").lower() != "chunked":
        raise UnsupportedMediaType("The body's transfer coding is not read here; send it chunked, or with its length.")
    encoding = request.headers.get("Content-Encoding", "identity").lower()
    if encoding != "identity" and encoding not in DECOMPRESSORS:
        detail = f"The body's encoding is {encoding}; send it as it is, or as one of: {', '.join(DECOMPRESSORS)}."
        raise UnsupportedMediaType(detail)
    setting = "max_stream_bytes" if streams else "max_body_bytes"
    bound = services().body_limits.stream if streams else services().body_limits.buffered
    g.body = body = RequestBody(bound, variable(setting))
    return body if encoding == "identity" else Decompressor(body, encoding, services().body_limits.formats, bound)


def source(body: Body, media_type: str) -> TableReader:
    """The body as a table that is still to be read."""
    found = TABLES[media_type].read(body, services().body_limits.formats)
    return replace(found, batches=partial(_to_the_end, found, body), max_columns=services().body_limits.columns)


def _to_the_end(table: TableReader, body: Body, wanted: Sequence[int]) -> Iterator[FloatArray]:
    yield from table.batches(wanted)
    expect_end(body)


def expect_end(body: Body) -> None:
    """Read to the body's end; raises MalformedBody if anything more comes."""
    if body.read(1):
        raise MalformedBody("The body goes on after the end of its data.")


def is_unread() -> bool:
    """Whether the request has a body, or a part of one, that nobody has read."""
    if "body" in g:
        return not g.body.is_read
    return bool(request.content_length) or "Transfer-Encoding" in request.headers
