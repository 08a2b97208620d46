"""The OpenAPI document, from the schemas that validate."""

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from marshmallow import Schema
from werkzeug.routing import Rule

from service import __version__
from service.api import problems, protocols
from service.api.operation import Operation
from service.api.replies import ProblemAnswer
from service.formats import csv, json, ndjson
from service.formats.media import TABLES
from service.store.contract import NAME

VARIABLE = re.compile(r"<(?:\w+:)?(\w+)>")
PATH_VARIABLES = {
    "model": {"type": "string", "pattern": f"^{NAME.pattern}$"},
    "version": {"type": "integer", "minimum": 1},
}
ANSWERED_TO_BODIES = (400, 413, 415)
ANSWERED_TO_ALL = (422, 503)
LABELLED = {csv.MEDIA_TYPE: "x,y\n1,2.1\n2,3.9\n", ndjson.MEDIA_TYPE: '{"x": 1, "y": 2.1}\n{"x": 2, "y": 3.9}\n'}
UNLABELLED = {csv.MEDIA_TYPE: "x\n5\n6\n", ndjson.MEDIA_TYPE: '{"x": 5}\n{"x": 6}\n'}
"""Tables that can be shown in JSON, with y and without."""


def document(app: Flask) -> dict[str, Any]:
    """OpenAPI 3.1 of every route of `app` that has a contract."""
    plugin = MarshmallowPlugin(schema_name_resolver=lambda schema: _class_of(schema).__name__)
    about = "Fits and serves linear models: ŷ = w·x + b by gradient descent."
    spec = APISpec("Descent", __version__, "3.1.0", info={"description": about}, plugins=[plugin])
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if hasattr(view, "operation"):
            methods = {method.lower() for method in rule.methods or ()} - {"head", "options"}
            operations = {method: _operation(rule, method, view) for method in methods}
            spec.path(VARIABLE.sub(r"{\1}", rule.rule), operations=operations)
    return spec.to_dict()


def _operation(rule: Rule, method: str, view: Any) -> dict[str, Any]:
    contract: Operation = view.operation
    summary, _, description = (view.__doc__ or "").partition(". ")
    described: dict[str, Any] = {
        "operationId": rule.endpoint.replace(".", "_"),
        "summary": summary.rstrip("."),
        "tags": [rule.endpoint.split(".")[0]],
        "parameters": list(_parameters(rule, contract)),
        "responses": dict(_responses(rule, method, contract)),
    }
    if description:
        described["description"] = description
    body = contract.body or contract.described
    if body is not None:
        content = {json.MEDIA_TYPE: {"schema": body, "examples": getattr(body, "examples", {})}}
        described["requestBody"] = {"required": True, "content": content | _tables(contract)}
    return described


def _tables(contract: Operation) -> dict[str, Any]:
    """A table in each media type, where they are taken: texts have examples; the others are bytes."""
    if contract.table is None and not contract.reads_tables:
        return {}
    examples = LABELLED if contract.table and "y" in contract.table.fields else UNLABELLED
    texts = {name: {"schema": {"type": "string"}, "examples": {"rows": {"value": examples[name]}}} for name in examples}
    return {name: texts.get(name, {}) for name in TABLES}


def _parameters(rule: Rule, contract: Operation) -> Iterator[dict[str, Any]]:
    for name in VARIABLE.findall(rule.rule):
        yield {"in": "path", "name": name, "required": True, "schema": PATH_VARIABLES[name]}
    yield {"in": "query", "schema": contract.query}
    if contract.table is not None:
        yield {"in": "query", "schema": contract.table}
    if contract.headers is not None:
        yield {"in": "header", "schema": contract.headers}


def _responses(rule: Rule, method: str, contract: Operation) -> Iterator[tuple[str, dict[str, Any]]]:
    for status, meaning in {contract.status: HTTPStatus(contract.status).phrase, **contract.also}.items():
        yield str(status), {"description": meaning, **_content(contract)}
    if contract.is_conditional(method.upper()):
        yield "304", {"description": "The client has it already, by If-None-Match."}
    has_body = contract.body is not None or contract.described is not None
    faults = {*contract.problems, *ANSWERED_TO_ALL, *(ANSWERED_TO_BODIES if has_body else ())}
    content: dict[str, Any] = {problems.MEDIA_TYPE: {"schema": ProblemAnswer}}
    if protocols.shape(rule.rule) is not None:
        faults = {400 if status == 422 else status for status in faults}
        content = {json.MEDIA_TYPE: {}}
    for status in sorted(faults):
        yield str(status), {"description": HTTPStatus(status).phrase, "content": content}


def _content(contract: Operation) -> dict[str, Any]:
    if contract.answer is not None:
        tables: dict[str, Any] = {name: {} for name in TABLES} if contract.answers_tables else {}
        return {"content": {contract.media_type: {"schema": contract.answer}, **tables}}
    if contract.status == HTTPStatus.NO_CONTENT:
        return {}
    return {"content": {contract.media_type: {}}}


def _class_of(schema: Any) -> type[Schema]:
    found: type[Schema] = schema if isinstance(schema, type) else type(schema)
    return found
