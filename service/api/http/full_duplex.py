"""Responses that are sent while their request is still received."""

import tempfile
from collections.abc import Iterator

from flask import g, request

from service.api.http.context import services

CHUNK_BYTES = 1 << 14
"""A socket that is writable accepts at least this much without blocking."""


def spool_until_received(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the bytes of `pieces` as fast as the client accepts them, and spool the rest to a temporary file.

    A client that sends its whole request before it reads the response would otherwise wait for the service, which
    would wait for the client. Once the request is received, writes may block.
    """
    can_send = services().body_adapter.can_send(request.environ)
    with tempfile.TemporaryFile() as spool:
        sent = spooled = 0
        for piece in pieces:
            if sent == spooled and g.body.is_read:
                yield piece
                continue
            spool.seek(spooled)
            spooled += spool.write(piece)
            while sent < spooled and can_send():
                spool.seek(sent)
                chunk = spool.read(CHUNK_BYTES)
                sent += len(chunk)
                yield chunk
        spool.seek(sent)
        yield from iter(lambda: spool.read(CHUNK_BYTES), b"")
