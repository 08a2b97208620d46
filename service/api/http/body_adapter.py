"""The features of a WSGI server that the HTTP layer needs beyond PEP 3333."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.types import WSGIEnvironment

from service.errors import MalformedBody

START_RESPONSE = "descent.start_response"
"""The key under which the app keeps the server's `start_response` in the WSGI environment."""


class WSGIBodyAdapter:
    """Access to a request's body and connection under any WSGI server, which uses PEP 3333 alone.

    `stream` is the `wsgi.input` of the request. Subclasses use more of their server.
    """

    def read(self, stream: Any, size: int) -> bytes:
        """Return the next `size` bytes of the body, fewer only at its end.

        Raises MalformedBody if the body is broken or the client pauses for too long. A server may raise any exception
        for a broken body, so all are translated.
        """
        with receive_errors(Exception):
            data: bytes = stream.read(size)
        return data

    def recv_into(self, stream: Any, buffer: memoryview) -> int:
        """Fill `buffer` with the next bytes of the body and return their number, which is smaller only at its end.

        Raises MalformedBody as `read` does.
        """
        data = self.read(stream, len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def can_send(self, environ: WSGIEnvironment) -> Callable[[], bool]:  # noqa: ARG002 - for subclasses
        """Return a function that says whether the client's socket accepts 16 KiB now without blocking.

        WSGI does not expose the socket, so a write may block for ever.
        """
        return lambda: False

    def is_connected(self, environ: WSGIEnvironment) -> bool:  # noqa: ARG002 - for subclasses
        """Return whether the client may still wait for the response; WSGI does not say when it closes a connection."""
        return True

    def close_after_response(self, environ: WSGIEnvironment) -> None:
        """Have the server announce and close the connection after the response, as the body has not been read.

        gunicorn can. PEP 3333 forbids the header `Connection`, so others keep the connection and skip the rest of the
        body.
        """
        close = getattr(getattr(environ[START_RESPONSE], "__self__", None), "force_close", None)
        if close is not None:
            close()


@contextmanager
def receive_errors(*errors: type[Exception]) -> Iterator[None]:
    """Raise MalformedBody in place of timeouts and of `errors`."""
    try:
        yield
    except (MalformedBody, MemoryError):
        raise
    except (BlockingIOError, TimeoutError):  # from a receive timeout of SO_RCVTIMEO, and of `settimeout`
        raise MalformedBody("The body stopped arriving before its end; send it without long pauses.") from None
    except errors:
        raise MalformedBody("The body cannot be read; send it whole and well-formed.") from None
