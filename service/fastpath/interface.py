"""The interface between a server's event loop and the fast path, with the types that cross it."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol


class RequestHead(NamedTuple):
    """The parsed head of a request.

    `body_length` is None if only the body itself shows its length. `is_plain` says that nothing in the head changes how
    the request is read or answered: a body of known length, no content encoding, no upgrade, no repeated field.
    """

    method: str
    path: str
    query: str
    host: str
    media_type: str = ""
    accept: str = "*/*"
    accepts_encoding: bool = False
    content_encoding: str = ""
    body_length: int | None = 0
    expects_continue: bool = False
    keep_alive: bool = True
    is_plain: bool = True


class RouteMatch(NamedTuple):
    """The route of a request, known to the fast path alone, and the request id that the client sent, if any.

    Heads that differ in the request id alone have the same route, so servers may cache routes and set the id.
    """

    route: Any
    request_id: str = ""


class Response(NamedTuple):
    """A response of status 200. The server adds the status line and the fields Date, Server and Connection."""

    headers: list[tuple[str, str]]
    body: bytes


class FastPath(Protocol):
    """Answers some requests without blocking. None from a method leaves the request to the slow path, the WSGI app."""

    max_body: int
    """The largest body in bytes."""

    def match(self, head: RequestHead) -> RouteMatch | None:
        """Return the route of a request. Depends on the head alone, so the result can be cached."""

    def prepare(self, match: RouteMatch, client: str | None, body: bytes, started: float) -> Any:
        """Return a request for `execute`. `started` is the `time.perf_counter` of the request's first byte."""

    def execute(self, batch: Sequence[Any]) -> list[Response | None]:
        """Answer prepared requests together, and count them. The responses are in the order of the batch."""

    def flush_log(self) -> None:
        """Log the requests that were answered since the last call."""
