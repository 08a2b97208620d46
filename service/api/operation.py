"""What every route shares: the schemas around a view, from which the OpenAPI document can be made."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Literal

from flask import Response, g, request
from marshmallow import Schema

from service.api import answers, bodies
from service.api.answers import Answer
from service.api.schemas import NoQuery, Table
from service.api.texts import valued
from service.errors import InvalidRequest, UnsupportedMediaType
from service.formats import json

View = Callable[..., Answer]
Counted = Literal["training", "prediction"]


@dataclass(frozen=True)
class Operation:
    """The contract of a route: the schemas of its query, body and answer, the status of success, and what the metrics
    count it as.

    table: the schema of the query that goes with a body of another media type than JSON, where such bodies are taken.
    columns: the fields of the answer that make a table of it, where it can be one.
    """

    summary: str
    query: Schema
    body: Schema | None
    answer: Schema
    status: int
    counts: Counted | None
    table: Table | None = None
    columns: tuple[str, ...] = ()

    def respond(self, view: View, variables: dict[str, Any]) -> Response:
        """Read the request for `view`, call it, and write its answer."""
        g.operation = self
        answer = view(**variables, **self._arguments())
        return answers.write(answer, self.answer, self.status, self.columns)

    def _arguments(self) -> dict[str, Any]:
        query = single_valued_query()
        if self.body is None:
            return dict(self.query.load(query))
        media_type = bodies.media_type()
        if media_type == json.MEDIA_TYPE:
            return {**self.query.load(query), "body": self.body.load(json.decode_rows(bodies.whole()))}
        if self.table is None:
            raise UnsupportedMediaType(f"This call takes {json.MEDIA_TYPE} only.")
        own = {name: query.pop(name) for name in self.query.fields if name in query}
        options = self.table.load(valued(query, self.table))
        return {**self.query.load(own), "body": self.table.with_rows(options, bodies.source(media_type))}


def operation(
    summary: str,
    answer: type[Schema],
    query: type[Schema] = NoQuery,
    body: type[Schema] | None = None,
    status: int = 200,
    counts: Counted | None = None,
    table: type[Table] | None = None,
    columns: tuple[str, ...] = (),
) -> Callable[..., Callable[..., Response]]:
    """Make a view, which takes its path's variables, its query's fields and its body, into a route's function."""

    def decorate(view: View, query: type[Schema] = query) -> Callable[..., Response]:
        contract = Operation(
            summary, query(), body() if body else None, answer(), status, counts, table() if table else None, columns
        )

        @wraps(view)
        def respond(**variables: Any) -> Response:
            return contract.respond(view, variables)

        respond.operation = contract  # type: ignore[attr-defined]
        return respond

    return decorate


def single_valued_query() -> dict[str, str]:
    """The query; raises InvalidRequest where a field is given twice."""
    for name, values in request.args.lists():
        if len(values) > 1:
            raise InvalidRequest.at(f"/{name}", "is given more than once in the query; give it once")
    return request.args.to_dict()
