"""The contract of a route: schemas that validate its requests, write its responses and make the OpenAPI document."""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from functools import wraps
from typing import Any

from flask import Response, g, request
from marshmallow import Schema

from service.api.http import request_body
from service.api.http.response import ViewResult, write_response
from service.api.schemas.base import QuerySchema, RequestSchema, unknown
from service.api.schemas.requests import LabelledTableQuery, PredictTableQuery
from service.errors import InvalidRequest
from service.formats import json
from service.observability.request_log import Counted


@dataclass(frozen=True)
class Endpoint:
    """A decorator that makes a view into a route's function.

    The view receives the variables of the path, the fields of the query and the body. It returns a ViewResult, a
    Response that it has written itself, or None for a response without content.

    response_schema: the schema of the response, None for one that has no schema.
    query_schema: the schema of the query, None if any query is ignored, because probes and scrapers may add one.
    request_schema: the schema of the JSON body. If it is not a RequestSchema, the view reads the body itself.
    table_schema: the schema of the query that accompanies a table, for routes that accept one instead of JSON.
    accepts_tables, returns_tables: whether bodies that the view reads can be tables, and whether responses can.
    conditional: whether responses have an ETag, and If-None-Match is honoured. For routes of GET only.
    other_statuses: the statuses of success besides `status`, with their descriptions.
    error_statuses: the statuses of errors besides those of a model that the path or query names, and of a body.
    request_headers, response_headers: the headers with their descriptions.
    counted_as: the kind of request in the metrics.
    """

    response_schema: Schema | None
    _: KW_ONLY
    query_schema: QuerySchema | None = field(default_factory=QuerySchema)
    request_schema: Schema | None = None
    table_schema: LabelledTableQuery | PredictTableQuery | None = None
    accepts_tables: bool = False
    returns_tables: bool = False
    conditional: bool = False
    media_type: str = json.MEDIA_TYPE
    status: int = 200
    other_statuses: dict[int, str] = field(default_factory=dict)
    error_statuses: tuple[int, ...] = ()
    request_headers: dict[str, str] = field(default_factory=dict)
    response_headers: dict[str, str] = field(default_factory=dict)
    counted_as: Counted | None = None

    def __call__(self, view: Callable[..., Any]) -> Callable[..., Response]:
        """Return the function of a route with this contract."""

        @wraps(view)
        def respond(**variables: Any) -> Response:
            g.endpoint = self
            response = self._write(view(**variables, **self._arguments()))
            return _conditional(response) if self.conditional else response

        respond.endpoint = self  # type: ignore[attr-defined]
        return respond

    def _write(self, result: Response | ViewResult | None) -> Response:
        if isinstance(result, Response):
            return result
        if self.response_schema is None or result is None:
            response = Response(status=self.status)
            del response.headers["Content-Type"]
            return response
        return write_response(result, self.response_schema, result.status or self.status)

    def _arguments(self) -> dict[str, Any]:
        """Return the fields of the query, and the body. An unsupported body is rejected before an invalid query."""
        if self.query_schema is None:
            return {}
        if not isinstance(self.request_schema, RequestSchema):
            return dict(self.query_schema.load(_query()))
        media_type = request_body.media_type(tables=self.table_schema is not None)
        in_memory = self.table_schema is not None and self.table_schema.rereads
        body = request_body.open_body(media_type, in_memory=in_memory)
        query = _query()
        if self.table_schema is None:
            arguments = self.query_schema.load(query)
            return {**arguments, "body": self.request_schema.load(json.decode(request_body.read_all(body)))}
        known = [*self.query_schema.fields, *self.table_schema.fields]
        faults = [unknown(name, self.query_schema.field_kind, known) for name in query if name not in known]
        if faults:
            raise InvalidRequest.of(faults)
        own = {name: query.pop(name) for name in self.query_schema.fields if name in query}
        arguments = self.query_schema.load(own)
        if media_type == json.MEDIA_TYPE:
            decode = json.decode if in_memory else json.decode_rows  # labels beyond 2⁵³ would be rounded in an array
            value = self.table_schema.add_options(query, decode(request_body.read_all(body)))
            return {**arguments, "body": self.request_schema.load(value)}
        options = self.table_schema.load(query)
        open_table: Callable[..., Any] = request_body.table_opener if in_memory else request_body.open_table
        table = open_table(body, media_type, options)
        return {**arguments, "body": self.table_schema.with_rows(options, table)}


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
