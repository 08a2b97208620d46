"""Responses as bytes: in the accepted media type and encoding, buffered or streamed."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import chain, groupby
from typing import IO, Any

from flask import Response, request
from marshmallow import Schema

from service.api.http import ignored_columns
from service.api.http.full_duplex import spool_until_received
from service.formats import json
from service.formats.compression import RESPONSE_ENCODINGS, compress
from service.formats.registry import TABLES
from service.formats.table import BATCH_BYTES, SPOOL_MEMORY_BYTES, Columns, Format

MIN_COMPRESSED_BYTES = 1024
"""Shorter responses are not compressed."""
STREAM_BYTES = 1 << 18
"""Longer responses are streamed. An error before these bytes are complete is still answered with a problem."""
VARY, VARY_TABLES = "Accept-Encoding", "Accept, Accept-Encoding"
"""The Vary header of all responses, and of those that can be tables."""


@dataclass(frozen=True)
class ViewResult:
    """The result of a view.

    value: an object for the response schema.
    headers: called when the head of the response is written.
    status: the status, if it is not the endpoint's.
    table: `value` as a table, for clients that accept one.
    batches: columns of `value` that are computed in batches.
    json_columns: converts a batch for JSON, where a name `a.b` becomes member b of object a.
    trailer: members that are known after the last batch.
    ignored: the names of columns of the request that were not used.
    """

    value: dict[str, Any]
    headers: Callable[[], dict[str, str]] = dict
    status: int | None = None
    table: Columns | None = None
    batches: Iterator[Columns] | None = None
    json_columns: Callable[[Columns], Columns] = lambda columns: columns
    trailer: Callable[[], dict[str, Any]] = dict
    ignored: Sequence[str] = ()


def write_response(result: ViewResult, schema: Schema, status: int) -> Response:
    """Return the response with `result`: a table if the result can be one and the client accepts it, else JSON."""
    if result.ignored:
        result = _with_ignored(result)
    batches = result.batches if result.table is None else iter([result.table])
    if batches is not None and (table_format := _accepted_table()):
        response = _batched_response(table_format.write(batches), status, result, table_format.media_type)
    elif result.batches is not None:
        chunks = _json_chunks(result, schema, map(result.json_columns, result.batches))
        response = _batched_response(chunks, status, result, json.MEDIA_TYPE)
    else:
        response = complete_response(json.encode(schema.dump(result.value)), status, result.headers())
    if batches is not None:
        response.headers["Vary"] = VARY_TABLES
    return response


def _with_ignored(result: ViewResult) -> ViewResult:
    value = result.value | ignored_columns.member(result.ignored)
    return replace(result, value=value, headers=lambda: result.headers() | ignored_columns.headers(result.ignored))


def complete_response(data: bytes, status: int, headers: dict[str, str], media_type: str = json.MEDIA_TYPE) -> Response:
    """Return the response with `data`, compressed if the client accepts it."""
    encoding = _accepted_encoding() if len(data) >= MIN_COMPRESSED_BYTES else None
    if encoding:
        data = b"".join(compress(iter([data]), encoding))
    return _response(data, status, headers, media_type, encoding)


def _batched_response(chunks: Iterator[bytes], status: int, result: ViewResult, media_type: str) -> Response:
    """Return the response with `chunks`, streamed if it is long."""
    start = _take(chunks, MIN_COMPRESSED_BYTES)
    encoding = _accepted_encoding() if len(start) >= MIN_COMPRESSED_BYTES else None
    chunks = chain([start], chunks)
    if encoding:
        chunks = compress(chunks, encoding)
    start = _take(chunks, STREAM_BYTES)  # of the compressed chunks, since a compressor withholds output
    body = spool_until_received(chain([start], chunks)) if len(start) >= STREAM_BYTES else start
    return _response(body, status, result.headers(), media_type, encoding)


def _take(chunks: Iterator[bytes], min_bytes: int) -> bytes:
    """Return the first chunks as one, which is shorter than `min_bytes` only if the chunks end."""
    taken: list[bytes] = []
    size = 0
    while size < min_bytes and (chunk := next(chunks, None)) is not None:
        taken.append(chunk)
        size += len(chunk)
    return b"".join(taken)


def _response(
    body: bytes | Iterator[bytes], status: int, headers: dict[str, str], media_type: str, encoding: str | None
) -> Response:
    encoded = {"Content-Encoding": encoding} if encoding else {}
    return Response(body, status, {"Vary": VARY, **headers, **encoded}, content_type=media_type)


def _json_chunks(result: ViewResult, schema: Schema, batches: Iterator[Columns]) -> Iterator[bytes]:
    """Yield the JSON text with its columns at the end: the first column as it comes, the others from files."""
    yield json.encode(schema.dump(result.value))[:-1]
    with ExitStack() as stack:
        files: dict[str, IO[bytes]] = {}
        separator = b""
        for batch in batches:
            (first, column), *others = batch.items()
            yield (separator or b',"%s":[' % first.encode()) + json.encode(column)[1:-1]
            for name, values in others:
                if not separator:
                    files[name] = stack.enter_context(tempfile.SpooledTemporaryFile(SPOOL_MEMORY_BYTES))
                files[name].write(separator + json.encode(values)[1:-1])
            separator = b","
        yield b"]"
        for name, members in groupby(files, lambda name: name.partition(".")[0]):
            yield b',"%s":' % name.encode()
            yield from _array_chunks(files[name]) if name in files else _object_chunks(files, members)
    trailer = json.encode(result.trailer())[1:-1]
    yield b"," + trailer + b"}" if trailer else b"}"


def _object_chunks(files: dict[str, IO[bytes]], names: Iterator[str]) -> Iterator[bytes]:
    """Yield an object of columns, whose names start with the object's name and a dot."""
    separator = b"{"
    for name in names:
        yield separator + json.encode(name.partition(".")[2]) + b":"
        yield from _array_chunks(files[name])
        separator = b","
    yield b"}"


def _array_chunks(file: IO[bytes]) -> Iterator[bytes]:
    yield b"["
    file.seek(0)
    yield from iter(lambda: file.read(BATCH_BYTES), b"")
    yield b"]"


def _accepted_table() -> Format | None:
    """Return the table format that the client prefers to JSON, if any."""
    accept = request.environ.get("HTTP_ACCEPT", "*/*")
    if accept in ("*/*", json.MEDIA_TYPE):
        return None
    best = request.accept_mimetypes.best_match([json.MEDIA_TYPE, *TABLES], default=json.MEDIA_TYPE)
    return TABLES.get(best)


def _accepted_encoding() -> str | None:
    accepted = request.accept_encodings
    best = max(RESPONSE_ENCODINGS, key=lambda encoding: accepted[encoding])
    return best if accepted[best] > 0 else None
