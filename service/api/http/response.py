"""Answers as bytes: in the media type and encoding that the client accepts, as a whole or as they are made."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain, groupby
from typing import IO, Any

from flask import Response, request
from marshmallow import Schema

from service.api.http.full_duplex import spool_until_received
from service.formats import json
from service.formats.compression import RESPONSE_ENCODINGS, compress
from service.formats.registry import TABLES
from service.formats.table import BATCH_BYTES, SPOOL_MEMORY_BYTES, Columns, Format

SMALLEST_ENCODED = 1024
HELD_BYTES = 1 << 18
"""What is made of an answer, as it is sent, before its head is: an error until then is a problem as any other."""
VARY, VARY_OF_TABLES = "Accept-Encoding", "Accept, Accept-Encoding"
"""What answers depend on, beside the request's path: all on the encodings that the client takes, and those that can be
tables on its media types."""


@dataclass(frozen=True)
class ViewResult:
    """What a view answers: a value for its answer schema, headers, and a status if it is not the usual one.

    table: the value as a table, for a client that asks for one. batches: columns of the value that come in batches,
    once the rest is known; json_columns: their form in JSON, where `a.b` is member b of object a. trailer: what
    is known after them. headers: asked for when the head is written, which is after the batches if those are short.
    """

    value: dict[str, Any]
    headers: Callable[[], dict[str, str]] = dict
    status: int | None = None
    table: Columns | None = None
    batches: Iterator[Columns] | None = None
    json_columns: Callable[[Columns], Columns] = lambda columns: columns
    trailer: Callable[[], dict[str, Any]] = dict


def write(answer: ViewResult, schema: Schema, status: int) -> Response:
    """The response of `answer`; a table, if it can be one and the client asks for one."""
    batches = answer.batches if answer.table is None else iter([answer.table])
    if batches is None:
        return _in_json(answer, schema, status)
    form = _accepted_table()
    if form is None:
        response = _in_json(answer, schema, status)
    else:
        response = _in_pieces(form.write(batches), status, answer.headers, form.media_type)
    response.headers["Vary"] = VARY_OF_TABLES
    return response


def _in_json(answer: ViewResult, schema: Schema, status: int) -> Response:
    if answer.batches is None:
        return complete(json.encode(schema.dump(answer.value)), status, answer.headers())
    pieces = _json(answer, schema, map(answer.json_columns, answer.batches))
    return _in_pieces(pieces, status, answer.headers, json.MEDIA_TYPE)


def complete(data: bytes, status: int, headers: dict[str, str], media_type: str = json.MEDIA_TYPE) -> Response:
    """A response that is there as a whole."""
    encoding = _accepted_encoding() if len(data) >= SMALLEST_ENCODED else None
    if encoding:
        data = b"".join(compress(iter([data]), encoding))
    return _response(data, status, headers, media_type, encoding)


def _in_pieces(
    pieces: Iterator[bytes], status: int, headers: Callable[[], dict[str, str]], media_type: str
) -> Response:
    """A response that is sent while it is made, if it is long. Its pieces are held as they leave: a compressor keeps
    much to itself, and while nothing has left, a fault can still have a status of its own."""
    start = _held(pieces, SMALLEST_ENCODED)
    encoding = _accepted_encoding() if _size(start) >= SMALLEST_ENCODED else None
    pieces = chain(start, pieces)
    if encoding:
        pieces = compress(pieces, encoding)
    held = _held(pieces, HELD_BYTES)
    body = spool_until_received(chain(held, pieces)) if _size(held) >= HELD_BYTES else b"".join(held)
    return _response(body, status, headers(), media_type, encoding)


def _held(pieces: Iterator[bytes], least: int) -> list[bytes]:
    """The first pieces: at least so many bytes, or all there are."""
    held: list[bytes] = []
    size = 0
    while size < least and (piece := next(pieces, None)) is not None:
        held.append(piece)
        size += len(piece)
    return held


def _size(pieces: list[bytes]) -> int:
    return sum(map(len, pieces))


def _response(
    body: bytes | Iterator[bytes], status: int, headers: dict[str, str], media_type: str, encoding: str | None
) -> Response:
    response = Response(body, status, {"Vary": VARY, **headers}, content_type=media_type)
    if encoding:
        response.headers["Content-Encoding"] = encoding
    return response


def _json(answer: ViewResult, schema: Schema, batches: Iterator[Columns]) -> Iterator[bytes]:
    """The JSON text with its columns at the end. The first goes out as it comes; the others wait in files."""
    yield json.encode(schema.dump(answer.value))[:-1]
    with ExitStack() as stack:
        waiting: dict[str, IO[bytes]] = {}
        lead = b""
        for batch in batches:
            (first, column), *others = batch.items()
            yield (lead or b',"%s":[' % first.encode()) + json.encode(column)[1:-1]
            for name, values in others:
                if not lead:
                    waiting[name] = stack.enter_context(tempfile.SpooledTemporaryFile(SPOOL_MEMORY_BYTES))
                waiting[name].write(lead + json.encode(values)[1:-1])
            lead = b","
        yield b"]"
        for name, columns in groupby(waiting.items(), lambda item: item[0].partition(".")[0]):
            yield from _member(name, dict(columns))
    yield b"," + last + b"}" if (last := json.encode(answer.trailer())[1:-1]) else b"}"


def _member(name: str, columns: dict[str, IO[bytes]]) -> Iterator[bytes]:
    """A column, or those whose names begin with `name` and a point as an object of them."""
    yield b',"%s":' % name.encode()
    if name in columns:
        yield from _list(columns[name])
        return
    lead = b"{"
    for full, file in columns.items():
        yield lead + json.encode(full.partition(".")[2]) + b":"
        yield from _list(file)
        lead = b","
    yield b"}"


def _list(file: IO[bytes]) -> Iterator[bytes]:
    yield b"["
    file.seek(0)
    yield from iter(lambda: file.read(BATCH_BYTES), b"")
    yield b"]"


def _accepted_table() -> Format | None:
    """The format of tables that the client would rather have than JSON."""
    accept = request.environ.get("HTTP_ACCEPT", "*/*")
    if accept in ("*/*", json.MEDIA_TYPE):
        return None
    best = request.accept_mimetypes.best_match([json.MEDIA_TYPE, *TABLES], default=json.MEDIA_TYPE)
    return TABLES.get(best)


def _accepted_encoding() -> str | None:
    if "HTTP_ACCEPT_ENCODING" not in request.environ:
        return None
    accepted = request.accept_encodings
    best = max(RESPONSE_ENCODINGS, key=lambda encoding: accepted[encoding])
    return best if accepted[best] > 0 else None
