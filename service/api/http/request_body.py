"""Request bodies: received with a limit, and decompressed where they are compressed."""

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from flask import g, request

from service.api.http.context import services
from service.core.blocks import FloatArray
from service.errors import BodyTooLarge, InvalidRequest, MalformedBody, UnsupportedMediaType
from service.formats import json
from service.formats.compression import DECOMPRESSORS, Decompressor
from service.formats.registry import TABLES
from service.formats.table import Body, TableReader
from service.formats.text.csv import OPTIONS as CSV_OPTIONS
from service.settings import variable


class RequestBody:
    """The body as it was sent, of at most as many bytes as `setting` allows.

    It is read from the server's stream, since werkzeug's truncates a body of unknown length at the limit. The bytes of
    a request with an Idempotency-Key are hashed.
    """

    def __init__(self, setting: str) -> None:
        self._adapter = services().body_adapter
        self._stream = request.environ["wsgi.input"]
        self._length = None if "Transfer-Encoding" in request.headers else request.content_length or 0
        self._setting = setting
        self.limit: int = getattr(services().settings, setting)
        self.size = 0
        self.is_read = self._length == 0
        self._hash = hashlib.blake2b(digest_size=16) if "Idempotency-Key" in request.headers else None
        if self._length is not None and self._length > self.limit:
            raise self._too_large()

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer only at the end. Raises BodyTooLarge and MalformedBody."""
        wanted = self._wanted(size)
        data = self._adapter.read(self._stream, wanted) if wanted else b""
        self._count(memoryview(data), wanted)
        return data

    def readinto(self, buffer: memoryview) -> int:
        """Fill `buffer` and return the number of bytes, which is smaller only at the end. Raises as `read`."""
        wanted = self._wanted(len(buffer))
        count = self._adapter.recv_into(self._stream, buffer[:wanted]) if wanted else 0
        self._count(buffer[:count], wanted)
        return count

    def _wanted(self, size: int) -> int:
        left = (self.limit + 1 if self._length is None else self._length) - self.size
        return 0 if self.is_read else min(size, left)

    def _count(self, data: memoryview, wanted: int) -> None:
        """Count `data` of the `wanted` bytes. Raises BodyTooLarge, and MalformedBody at an early end."""
        if self._hash:
            self._hash.update(data)
        self.size += len(data)
        if self.size > self.limit:
            raise self._too_large()
        is_short = len(data) < wanted
        if is_short and self._length not in (None, self.size):
            detail = f"The body ended after {self.size} of the {self._length} bytes that Content-Length announced."
            raise MalformedBody(detail)
        self.is_read |= is_short or self.size == self._length

    @property
    def digest(self) -> bytes:
        """The BLAKE2 digest of the bytes read; empty for a request without an Idempotency-Key."""
        return self._hash.digest() if self._hash else b""

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(f"The body is larger than {self.limit} bytes ({variable(self._setting)}); send fewer rows.")


def media_type(*, tables: bool) -> str:
    """Return the body's media type. Raises UnsupportedMediaType unless it is JSON or, with `tables`, a table's."""
    given = request.mimetype
    if given != json.MEDIA_TYPE and not (tables and given in TABLES):
        detail = f"The body's media type is {given or 'none'}; send it with Content-Type: {json.MEDIA_TYPE}"
        raise UnsupportedMediaType(f"{detail}, or one of {', '.join(TABLES)}." if tables else f"{detail}.")
    charset = request.mimetype_params.get("charset", "utf-8")
    if charset.lower() not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaType(f"The body's charset is {charset}; send UTF-8.")
    return given


def read_all(body: Body | None = None) -> bytes:
    """Return all of the body, of at most DESCENT_MAX_BODY_BYTES. Opens it if no `body` is given."""
    body = body or open_body()
    data = body.read(services().settings.max_body_bytes + 1)
    expect_end(body)
    return data


def open_body(media_type: str = json.MEDIA_TYPE, *, in_memory: bool = False) -> Body:
    """Return the body, decompressed if it is compressed. Raises UnsupportedMediaType and BodyTooLarge."""
    streams = media_type in TABLES and TABLES[media_type].is_streaming and not in_memory
    if request.headers.get("Transfer-Encoding", "chunked").lower() != "chunked":
        detail = "The body's transfer coding is not supported; send it chunked or with Content-Length."
        raise UnsupportedMediaType(detail)
    encoding = request.headers.get("Content-Encoding", "identity").lower()
    if encoding != "identity" and encoding not in DECOMPRESSORS:
        detail = f"The body's encoding is {encoding}; send it as it is, or as one of: {', '.join(DECOMPRESSORS)}."
        raise UnsupportedMediaType(detail)
    g.body = body = RequestBody("max_stream_bytes" if streams else "max_body_bytes")
    return body if encoding == "identity" else Decompressor(body, encoding, services().format_limits, body.limit)


def open_table(body: Body, media_type: str, options: dict[str, Any]) -> TableReader:
    """Return the body as a table whose batches are still to be read. Removes the options of its format."""
    table_format = TABLES[media_type]
    own = {name: options.pop(name) for name in CSV_OPTIONS if name in options}
    for name in own.keys() - set(table_format.options):
        raise InvalidRequest.at(f"/{name}", f"applies to CSV; leave it out for {media_type}")
    found = table_format.read(body, services().format_limits, **own)
    max_columns = services().settings.max_columns
    return replace(found, batches=partial(_read_to_end, found, body), max_columns=max_columns)


def table_opener(body: Body, media_type: str, options: dict[str, Any]) -> Callable[[], TableReader]:
    """Return a function that opens the body as a table, as often as it is called. The body is held in memory."""
    data = read_all(body)
    own = {name: options.pop(name) for name in CSV_OPTIONS if name in options}
    return lambda: open_table(BytesBody(data), media_type, dict(own))


class BytesBody(io.BytesIO):
    """A body in memory."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.size = len(data)


def _read_to_end(table: TableReader, body: Body, wanted: Sequence[int]) -> Iterator[FloatArray]:
    yield from table.batches(wanted)
    expect_end(body)


def expect_end(body: Body) -> None:
    """Read to the end of the body. Raises MalformedBody if any bytes follow."""
    if body.read(1):
        raise MalformedBody("The body goes on after the end of its data; send one document or table.")


def is_unread() -> bool:
    """Return whether the request has a body that has not been read to its end."""
    if "body" in g:
        return not g.body.is_read
    return bool(request.content_length) or "Transfer-Encoding" in request.headers
