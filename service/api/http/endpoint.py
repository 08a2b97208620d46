"""What every route shares: the schemas around a view, from which the OpenAPI document can be made."""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from functools import wraps
from typing import Any

from flask import Response, g, request
from marshmallow import Schema

from service.api.http import request_body
from service.api.http import response as answers
from service.api.schemas.query import valued
from service.api.schemas.requests import AnyQuery, NoQuery, Table
from service.errors import InvalidRequest
from service.formats import json
from service.observability.request_log import Counted

View = Callable[..., Any]


@dataclass(frozen=True)
class Endpoint:
    """The contract of a route: the schemas of its answer (None for one without a document), query, headers and body,
    the status of success, further ones and what they mean, those of its problems, and what the metrics count it as.

    table: the schema of the query that goes with a body of another media type than JSON, where such bodies are taken.
    answers_tables: whether the answer can be a table. What a view does itself, which the document has to know: the
    schemas of a body that it `reads`, which may be a table if it `reads_tables`, and of an answer that it `writes`,
    headers that it `sends` and what they mean, and whether it `tags` its answer.
    """

    answer: Schema | None
    _: KW_ONLY
    query: Schema = field(default_factory=NoQuery)
    headers: Schema | None = None
    body: Schema | None = None
    media_type: str = json.MEDIA_TYPE
    status: int = 200
    also: dict[int, str] = field(default_factory=dict)
    problems: tuple[int, ...] = ()
    counts: Counted | None = None
    table: Table | None = None
    answers_tables: bool = False
    reads_tables: bool = False
    reads: Schema | None = None
    writes: Schema | None = None
    sends: dict[str, str] = field(default_factory=dict)
    tags: bool = False

    def __call__(self, view: View) -> Callable[..., Response]:
        """Make a view, which takes its path's variables, its query's fields and its body, into a route's function."""

        @wraps(view)
        def respond(**variables: Any) -> Response:
            return self._respond(view, variables)

        respond.operation = self  # type: ignore[attr-defined]
        return respond

    @property
    def takes_body(self) -> bool:
        """Whether requests have a body."""
        return self.body is not None or self.reads is not None

    @property
    def reads_query(self) -> bool:
        """Whether the query is looked at, and refused if it has what is not known here."""
        return not isinstance(self.query, AnyQuery)

    @property
    def is_conditional(self) -> bool:
        """Whether answers to GET have a tag, and a client that knows it gets no other."""
        return self.tags or self.answer is not None

    def _respond(self, view: View, variables: dict[str, Any]) -> Response:
        """Read the request for `view`, call it, and write its answer."""
        g.operation = self
        response = self._response(view(**variables, **self._arguments()))
        return _conditional(response) if request.method in ("GET", "HEAD") and self.is_conditional else response

    def _response(self, answered: Response | answers.ViewResult) -> Response:
        if isinstance(answered, Response):
            return answered
        status = answered.status or self.status
        return _empty(status) if self.answer is None else answers.write(answered, self.answer, status)

    def _arguments(self) -> dict[str, Any]:
        """The query and the body; what is not read here at all is refused before what is wrong in the query."""
        if not self.reads_query:
            return {}
        if self.body is None:
            return dict(self.query.load(_single_valued_query()))
        media_type = request_body.media_type(tables=self.table is not None)
        body = request_body.open_body(media_type)
        query = _single_valued_query()
        if self.table is None:
            return {**self.query.load(query), "body": self.body.load(json.decode(request_body.read_all(body)))}
        if media_type == json.MEDIA_TYPE:
            return {**self.query.load(query), "body": self.body.load(json.decode_rows(request_body.read_all(body)))}
        own = {name: query.pop(name) for name in self.query.fields if name in query}
        options = self.table.load(valued(query, self.table))
        return {
            **self.query.load(own),
            "body": self.table.with_rows(options, request_body.open_table(body, media_type)),
        }


def _empty(status: int) -> Response:
    """A response without a body, which has no media type either."""
    response = Response(status=status)
    del response.headers["Content-Type"]
    return response


def _conditional(response: Response) -> Response:
    """`response` with a tag, or 304 for a client that has it already. A tag that the view gave says nothing of the
    encoding, so of an answer that has one it is a weak tag."""
    tag, _ = response.get_etag()
    if tag is None:
        response.add_etag()
    elif response.content_encoding:
        response.set_etag(tag, weak=True)
    response.make_conditional({**request.environ, "HTTP_IF_MATCH": ""})  # which is for changes
    return response


def _single_valued_query() -> dict[str, str]:
    for name, values in request.args.lists():
        if len(values) > 1:
            raise InvalidRequest.at(f"/{name}", "is given more than once in the query; give it once")
    return request.args.to_dict()
