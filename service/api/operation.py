"""What every route shares: the schemas around a view, from which the OpenAPI document can be made."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Literal

from flask import Response, g, request
from marshmallow import Schema
from werkzeug.exceptions import RequestEntityTooLarge

from service.api.schemas import NoQuery
from service.errors import BodyTooLarge, InvalidRequest, UnsupportedMediaType
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
    charset = request.mimetype_params.get("charset", "utf-8")
    if charset.lower() not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaType(f"The body's charset is {charset}; send UTF-8.")
    if "Content-Encoding" in request.headers:
        encoding = request.headers["Content-Encoding"]
        raise UnsupportedMediaType(f"The body's encoding is {encoding}; send it as it is.")
    try:
        body = request.get_data()
    except RequestEntityTooLarge:
        bound = request.max_content_length
        raise BodyTooLarge(
            f"The body is larger than {bound} bytes (DESCENT_MAX_BODY_BYTES); send fewer rows."
        ) from None
    g.body_read = True
    return json.decode(body)


def _single_valued_query() -> dict[str, str]:
    for name, values in request.args.lists():
        if len(values) > 1:
            raise InvalidRequest.at(f"/{name}", "is given more than once in the query; give it once")
    return request.args.to_dict()
