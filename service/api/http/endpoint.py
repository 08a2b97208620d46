"""The contract of a route: schemas that validate its requests, write its responses and make the OpenAPI document."""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from functools import wraps
from typing import Any

from flask import Response, g, request
from marshmallow import Schema

from service.api.http import request_body
from service.api.http.response import ViewResult, write_response
from service.api.schemas.query import AnyQuery, EmptyQuery, decode_values
from service.api.schemas.requests import TableQuery
from service.errors import InvalidRequest
from service.formats import json
from service.observability.request_log import Counted

View = Callable[..., Any]


@dataclass(frozen=True)
class Endpoint:
    """A decorator that makes a view into a route's function.

    The view receives the variables of the path, the fields of the query and the body. It returns a ViewResult, or a
    Response that it has written itself.

    response_schema: the schema of the response, None for one that has no schema.
    request_schema: the schema of the JSON body. With `raw_body` the view reads the body itself.
    table_schema: the schema of the query that accompanies a table, for routes that accept one instead of JSON.
    accepts_tables, returns_tables: whether bodies can be tables with `raw_body`, and whether responses can.
    conditional: whether responses to GET have an ETag, and If-None-Match is honoured.
    other_statuses, error_statuses: the statuses besides `status`, those of success with their descriptions.
    response_headers: the headers of the response with their descriptions.
    counted_as: the kind of request in the metrics.
    """

    response_schema: Schema | None
    _: KW_ONLY
    query_schema: Schema = field(default_factory=EmptyQuery)
    header_schema: Schema | None = None
    request_schema: Schema | None = None
    table_schema: TableQuery | None = None
    raw_body: bool = False
    accepts_tables: bool = False
    returns_tables: bool = False
    conditional: bool = False
    media_type: str = json.MEDIA_TYPE
    status: int = 200
    other_statuses: dict[int, str] = field(default_factory=dict)
    error_statuses: tuple[int, ...] = ()
    response_headers: dict[str, str] = field(default_factory=dict)
    counted_as: Counted | None = None

    def __call__(self, view: View) -> Callable[..., Response]:
        """Return the function of a route with this contract."""

        @wraps(view)
        def respond(**variables: Any) -> Response:
            g.endpoint = self
            response = self._write(view(**variables, **self._arguments()))
            return _conditional(response) if self.conditional and request.method in ("GET", "HEAD") else response

        respond.endpoint = self  # type: ignore[attr-defined]
        return respond

    @property
    def ignores_query(self) -> bool:
        """Whether any query is accepted and ignored."""
        return isinstance(self.query_schema, AnyQuery)

    def _write(self, result: Response | ViewResult) -> Response:
        if isinstance(result, Response):
            return result
        status = result.status or self.status
        if self.response_schema is None:
            return _empty_response(status)
        return write_response(result, self.response_schema, status)

    def _arguments(self) -> dict[str, Any]:
        """Return the fields of the query, and the body. An unsupported body is rejected before an invalid query."""
        if self.ignores_query:
            return {}
        if self.request_schema is None or self.raw_body:
            return dict(self.query_schema.load(_query()))
        media_type = request_body.media_type(tables=self.table_schema is not None)
        body = request_body.open_body(media_type)
        query = _query()
        if self.table_schema is None or media_type == json.MEDIA_TYPE:
            arguments = self.query_schema.load(query)
            decode = json.decode if self.table_schema is None else json.decode_rows
            return {**arguments, "body": self.request_schema.load(decode(request_body.read_all(body)))}
        arguments = self.query_schema.load(
            {name: query.pop(name) for name in self.query_schema.fields if name in query}
        )
        options = self.table_schema.load(decode_values(query, self.table_schema))
        return {**arguments, "body": self.table_schema.with_rows(options, request_body.open_table(body, media_type))}


def _empty_response(status: int) -> Response:
    """Return a response without a body and without a media type."""
    response = Response(status=status)
    del response.headers["Content-Type"]
    return response


def _conditional(response: Response) -> Response:
    """Return `response` with an ETag, or 304 if it matches If-None-Match.

    An ETag that the view has set does not depend on the encoding, so it is weak on a compressed response.
    """
    tag, _ = response.get_etag()
    if tag is None:
        response.add_etag()
    elif response.content_encoding:
        response.set_etag(tag, weak=True)
    response.make_conditional({**request.environ, "HTTP_IF_MATCH": ""})  # If-Match applies to trainings only
    return response


def _query() -> dict[str, str]:
    for name, values in request.args.lists():
        if len(values) > 1:
            raise InvalidRequest.at(f"/{name}", f"is in the query {len(values)} times; give it once")
    return request.args.to_dict()
