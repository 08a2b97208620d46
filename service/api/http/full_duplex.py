"""Answers that go out while their request still comes in."""

import tempfile
from collections.abc import Iterator

from flask import g, request

from service.api.http.context import services

PIECE = 1 << 14
"""Small enough to fit into what a socket has free when it says that it takes more."""


def relayed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """`pieces`, as the client takes them. One that sends its whole request before it reads would otherwise wait for the
    service, and the service for it: until the request has come, what it does not take waits in a temporary file."""
    takes_more = services().body_adapter.can_send(request.environ)
    with tempfile.TemporaryFile() as waiting:
        sent = kept = 0
        for piece in pieces:
            if sent == kept and g.body.is_read:
                yield piece
                continue
            waiting.seek(kept)
            kept += waiting.write(piece)
            while sent < kept and takes_more():
                waiting.seek(sent)
                part = waiting.read(PIECE)
                sent += len(part)
                yield part
        waiting.seek(sent)
        yield from iter(lambda: waiting.read(PIECE), b"")
