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
    """What a view answers: a value for its answer schema, headers, and a status if it is not the usual one."""

    value: dict[str, Any]
    headers: dict[str, str] | None = None
    status: int | None = None


View = Callable[..., Any]
Counted = Literal["training", "prediction"]


@dataclass(frozen=True)
class Operation:
    """The contract of a route: the schemas of its query, headers, body and answer (None for one without a document),
    the status of success, further ones and what they mean, those of its problems, and what the metrics count it as."""

    summary: str
    query: Schema
    headers: Schema | None
    body: Schema | None
    answer: Schema | None
    media_type: str
    status: int
    also: dict[int, str]
    problems: tuple[int, ...]
    counts: Counted | None

    @property
    def is_conditional(self) -> bool:
        """Whether answers have a tag, and a client that knows it gets no other."""
        return self.body is None and self.status == 200

    def respond(self, view: View, variables: dict[str, Any]) -> Response:
        """Read the request for `view`, call it, and write its answer."""
        g.operation = self
        arguments = variables | self.query.load(_single_valued_query())
        if self.body is not None:
            arguments["body"] = self.body.load(_read_json())
        answered = view(**arguments)
        if isinstance(answered, Response):
            return answered
        status = answered.status or self.status
        if self.answer is None:
            return Response(status=status)
        text = json.encode(self.answer.dump(answered.value))
        response = Response(text, status, answered.headers, content_type=self.media_type)
        return conditional(response) if request.method in ("GET", "HEAD") else response


def operation(
    answer: type[Schema] | None,
    *,
    query: type[Schema] = NoQuery,
    headers: type[Schema] | None = None,
    body: type[Schema] | None = None,
    media_type: str = json.MEDIA_TYPE,
    status: int = 200,
    also: dict[int, str] | None = None,
    problems: tuple[int, ...] = (),
    counts: Counted | None = None,
) -> Callable[..., Callable[..., Response]]:
    """Make a view, which takes its path's variables, its query's fields and its body, into a route's function.

    The view's docstring is the summary.
    """

    def decorate(view: View, query: type[Schema] = query) -> Callable[..., Response]:
        contract = Operation(
            summary=(view.__doc__ or "").strip(),
            query=query(),
            headers=headers() if headers else None,
            body=body() if body else None,
            answer=answer() if answer else None,
            media_type=media_type,
            status=status,
            also=also or {},
            problems=problems,
            counts=counts,
        )

        @wraps(view)
        def respond(**variables: Any) -> Response:
            return contract.respond(view, variables)

        respond.operation = contract  # type: ignore[attr-defined]
        return respond

    return decorate


def conditional(response: Response) -> Response:
    """`response` with a tag, or 304 for a client that has it already."""
    if "ETag" not in response.headers:
        response.add_etag()
    response.make_conditional(request)
    return response


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
    g.body = body
    return body


def _too_large(bound: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body is larger than {bound} bytes (DESCENT_MAX_BODY_BYTES); send fewer rows.")


def _single_valued_query() -> dict[str, str]:
    for name, values in request.args.lists():
        if len(values) > 1:
            raise InvalidRequest.at(f"/{name}", "is given more than once in the query; give it once")
    return request.args.to_dict()
