"""What every route shares: the schemas around a view, from which the OpenAPI document can be made."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Literal

from flask import Response, g, request
from gunicorn.http.errors import ParseException
from marshmallow import Schema

from service.api.schemas import NoQuery
from service.errors import BodyTooLarge, InvalidRequest, MalformedBody, UnsupportedMediaType
from service.formats import json


@dataclass(frozen=True)
class Answer:
    """What a view answers: a value for its answer schema, and headers."""

    value: dict[str, Any]
    headers: dict[str, str] | None = None


View = Callable[..., Answer]
Counted = Literal["training", "prediction"]


@dataclass(frozen=True)
class Operation:
    """The contract of a route: the schemas of its query, body and answer, the status of success, and what the metrics
    count it as."""

    summary: str
    query: Schema
    body: Schema | None
    answer: Schema
    status: int
    counts: Counted | None

    def respond(self, view: View, variables: dict[str, Any]) -> Response:
        """Read the request for `view`, call it, and write its answer."""
        g.operation = self
        arguments = variables | self.query.load(_single_valued_query())
        if self.body is not None:
            arguments["body"] = self.body.load(_read_json())
        answer = view(**arguments)
        text = json.encode(self.answer.dump(answer.value))
        return Response(text, self.status, answer.headers, content_type=json.MEDIA_TYPE)


def operation(
    summary: str,
    answer: type[Schema],
    query: type[Schema] = NoQuery,
    body: type[Schema] | None = None,
    status: int = 200,
    counts: Counted | None = None,
) -> Callable[..., Callable[..., Response]]:
    """Make a view, which takes its path's variables, its query's fields and its body, into a route's function."""

    def decorate(view: View, query: type[Schema] = query) -> Callable[..., Response]:
        contract = Operation(summary, query(), body() if body else None, answer(), status, counts)

        @wraps(view)
        def respond(**variables: Any) -> Response:
            return contract.respond(view, variables)

        respond.operation = contract  # type: ignore[attr-defined]
        return respond

    return decorate


def _read_json() -> Any:
    """The value of the request's JSON body; raises UnsupportedMediaType and MalformedBody."""
    if request.mimetype != json.MEDIA_TYPE:
        given = request.mimetype or "none"
        raise UnsupportedMediaType(f"The body's media type is {given}; send it with Content-Type: {json.MEDIA_TYPE}.")
    if request.headers.get("Transfer-Encoding", "chunked").lower() != "chunked":
        raise UnsupportedMediaType("The body's transfer coding is not read here; send it chunked, or with its length.")
    charset = request.mimetype_params.get("charset", "utf-8")
    if charset.lower() not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaType(f"The body's charset is {charset}; send UTF-8.")
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding.lower() != "identity":
        raise UnsupportedMediaType(f"The body's encoding is {encoding}; send it as it is.")
    return json.decode(_read_body(request.max_content_length or 0))


def _read_body(bound: int) -> bytes:
    """All of the request's body, of at most `bound` bytes; raises BodyTooLarge and MalformedBody.

    From the server's own stream: werkzeug's cuts a body of unknown length at its bound and says nothing.
    """
    length = None if "Transfer-Encoding" in request.headers else request.content_length or 0
    if length is not None and length > bound:
        raise _too_large(bound)
    try:
        body: bytes = request.environ["wsgi.input"].read(bound + 1 if length is None else length)
    except BlockingIOError:  # as the kernel tells that a socket's time-out has passed
        raise MalformedBody("The body stopped coming before its end.") from None
    except (OSError, ParseException):
        raise MalformedBody("The body's chunks cannot be read.") from None
    if len(body) > bound:
        raise _too_large(bound)
    if length is not None and len(body) < length:
        raise MalformedBody(f"The body ended after {len(body)} of the {length} bytes that Content-Length announced.")
    g.body_read = True
    return body


def _too_large(bound: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body is larger than {bound} bytes (DESCENT_MAX_BODY_BYTES); send fewer rows.")


def _single_valued_query() -> dict[str, str]:
    for name, values in request.args.lists():
        if len(values) > 1:
            raise InvalidRequest.at(f"/{name}", "is given more than once in the query; give it once")
    return request.args.to_dict()
