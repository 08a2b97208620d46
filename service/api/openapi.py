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
from service.api.http import error_formats, problems
from service.api.http.endpoint import Endpoint
from service.api.schemas.protocols import InferenceError, ScoringError
from service.api.schemas.requests import CacheHeaders
from service.api.schemas.responses import ProblemAnswer
from service.formats import json
from service.formats.registry import TABLES
from service.formats.text import csv, ndjson
from service.store.base import NAME, NAME_RULE

VARIABLE = re.compile(r"<(?:\w+:)?(\w+)>")
PATH_VARIABLES: dict[str, dict[str, Any]] = {
    "model": {
        "description": f"The model's name: {NAME_RULE}.",
        "schema": {"type": "string", "pattern": f"^{NAME.pattern}$"},
    },
    "version": {"description": "The number of a version.", "schema": {"type": "integer", "minimum": 1}},
}
TAGS = {
    "training": ("Train", "Fit a line to rows, and publish it as the next version of a model."),
    "predicting": ("Predict", "Predict y for rows of x, and compare predictions with what was observed."),
    "models": ("Models", "Look at models and their versions, describe or delete them, choose which version serves."),
    "operations": ("Operations", "Health, metrics, the release, and this document."),
    "inference_protocol": (
        "Open Inference Protocol",
        "The calls of Triton, KServe and MLServer. The tensors are `INPUT__0`, of [rows, columns], and `OUTPUT__0`.",
    ),
    "mlflow": ("MLflow", "The scoring calls of MLflow, for the model that the query names."),
}
"""The name and the description of each blueprint, in the order in which they are shown."""
ERRORS: dict[error_formats.Shape, type[Schema]] = {
    error_formats.inference_error: InferenceError,
    error_formats.scoring_error: ScoringError,
}
ANSWERED_TO_BODIES = (400, 413, 415)
WITH_TABLES = "Options stand in the body if it is JSON, and in the query if it is a table."
LABELLED = {csv.MEDIA_TYPE: "x,y\n1,2.1\n2,3.9\n", ndjson.MEDIA_TYPE: '{"x": 1, "y": 2.1}\n{"x": 2, "y": 3.9}\n'}
UNLABELLED = {csv.MEDIA_TYPE: "x\n5\n6\n", ndjson.MEDIA_TYPE: '{"x": 5}\n{"x": 6}\n'}
"""Tables that can be shown in JSON, with y and without."""


def document(app: Flask) -> dict[str, Any]:
    """OpenAPI 3.1 of every route of `app` that has a contract."""
    plugin = MarshmallowPlugin(schema_name_resolver=lambda schema: _class_of(schema).__name__)
    about = "Fits and serves linear models: ŷ = w·x + b by gradient descent."
    tags = [{"name": name, "description": description} for name, description in TAGS.values()]
    spec = APISpec("Descent", __version__, "3.1.0", info={"description": about}, plugins=[plugin], tags=tags)
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if hasattr(view, "operation"):
            methods = {method.lower() for method in rule.methods or ()} - {"head", "options"}
            operations = {method: _operation(rule, method, view) for method in methods}
            spec.path(VARIABLE.sub(r"{\1}", rule.rule), operations=operations)
    return spec.to_dict()


def _operation(rule: Rule, method: str, view: Any) -> dict[str, Any]:
    contract: Endpoint = view.operation
    summary, _, description = " ".join((view.__doc__ or "").split()).partition(". ")
    if contract.table is not None:
        description = f"{description} {WITH_TABLES}".lstrip()
    is_conditional = method == "get" and contract.is_conditional
    described: dict[str, Any] = {
        "operationId": rule.endpoint.replace(".", "_"),
        "summary": summary.rstrip("."),
        "tags": [TAGS[rule.endpoint.split(".")[0]][0]],
        "parameters": list(_parameters(rule, contract, is_conditional=is_conditional)),
        "responses": dict(_responses(rule, contract, is_conditional=is_conditional)),
    }
    if description:
        described["description"] = description
    if contract.takes_body:
        body = contract.body or contract.reads
        content = {json.MEDIA_TYPE: {"schema": body, "examples": getattr(body, "examples", {})}}
        described["requestBody"] = {"required": True, "content": content | _tables(contract)}
    return described


def _tables(contract: Endpoint) -> dict[str, Any]:
    """A table in each media type, where they are taken: texts have examples; the others are bytes."""
    if contract.table is None and not contract.reads_tables:
        return {}
    examples = LABELLED if contract.table and "y" in contract.table.fields else UNLABELLED
    texts = {name: {"schema": {"type": "string"}, "examples": {"rows": {"value": examples[name]}}} for name in examples}
    return {name: texts.get(name, {}) for name in TABLES}


def _parameters(rule: Rule, contract: Endpoint, *, is_conditional: bool) -> Iterator[dict[str, Any]]:
    for name in VARIABLE.findall(rule.rule):
        yield {"in": "path", "name": name, "required": True, **PATH_VARIABLES[name]}
    yield {"in": "query", "schema": contract.query}
    if contract.table is not None:
        yield {"in": "query", "schema": contract.table}
    if contract.headers is not None:
        yield {"in": "header", "schema": contract.headers}
    if is_conditional:
        yield {"in": "header", "schema": CacheHeaders}


def _responses(rule: Rule, contract: Endpoint, *, is_conditional: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    headers = {name: _header(meaning) for name, meaning in contract.sends.items()}
    if is_conditional:
        headers["ETag"] = _header("The tag of this answer, for `If-None-Match`.")
    for status, meaning in {contract.status: HTTPStatus(contract.status).phrase, **contract.also}.items():
        yield str(status), {"description": meaning, "headers": headers, **_content(contract)}
    if is_conditional:
        yield "304", {"description": "The client has this answer already, as its `If-None-Match` says."}
    shape = error_formats.shape(rule.rule)
    faults = _faults(rule, contract)
    content: dict[str, Any] = {problems.MEDIA_TYPE: {"schema": ProblemAnswer}}
    if shape is not None:
        faults = {400 if status == 422 else status for status in faults}
        content = {json.MEDIA_TYPE: {"schema": ERRORS[shape]}}
    for status in sorted(faults):
        yield str(status), {"description": HTTPStatus(status).phrase, "content": content}


def _faults(rule: Rule, contract: Endpoint) -> set[int]:
    """The statuses of what can go wrong; nothing can be invalid in a request of which nothing is read."""
    faults = {*contract.problems, *(ANSWERED_TO_BODIES if contract.takes_body else ())}
    reads = contract.reads_query or VARIABLE.search(rule.rule)
    return faults | {422} if reads else faults


def _header(meaning: str) -> dict[str, Any]:
    return {"description": meaning, "schema": {"type": "string"}}


def _content(contract: Endpoint) -> dict[str, Any]:
    if contract.answer is not None:
        tables: dict[str, Any] = {name: {} for name in TABLES} if contract.answers_tables else {}
        return {"content": {contract.media_type: {"schema": contract.answer}, **tables}}
    if contract.status == HTTPStatus.NO_CONTENT:
        return {}
    written = contract.writes
    return {"content": {contract.media_type: {} if written is None else {"schema": written}}}


def _class_of(schema: Any) -> type[Schema]:
    found: type[Schema] = schema if isinstance(schema, type) else type(schema)
    return found
