"""The OpenAPI document, made from the endpoints of all routes."""

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from marshmallow.fields import Field
from werkzeug.routing import Rule

from service import __version__
from service.api.http import problems
from service.api.http.endpoint import Endpoint
from service.api.schemas import protocols, responses
from service.api.schemas.base import QuerySchema, RequestSchema
from service.api.schemas.response_fields import ObjectArray
from service.formats import json
from service.formats.registry import TABLES
from service.formats.text import csv, ndjson
from service.store.base import NAME, NAME_RULE

PATH_VARIABLE = re.compile(r"<(?:\w+:)?(\w+)>")
PATH_PARAMETERS: dict[str, dict[str, Any]] = {
    "model": {
        "description": f"The model's name: {NAME_RULE}.",
        "schema": {"type": "string", "pattern": f"^{NAME.pattern}$"},
    },
    "version": {"description": "The number of a version.", "schema": {"type": "integer", "minimum": 1}},
}
TAGS = {
    "training": ("Train", "Fit linear or ridge regression, and publish it as the next version of a model."),
    "predicting": ("Predict", "Predict y for rows of x, and compare predictions with observed y."),
    "models": ("Models", "Show, describe and delete models and versions, and choose the version that serves."),
    "operations": ("Operations", "Health, metrics, the version of the software, and this document."),
    "inference_protocol": (
        "Open Inference Protocol",
        "The calls of Triton, KServe and MLServer. The input is `INPUT__0`, or a tensor for each column.",
    ),
    "mlflow": ("MLflow", "The scoring calls of MLflow, for the model in the query."),
}
"""The name and description of each blueprint, in the order of the document."""
BODY_ERRORS = (400, 413, 415)
MODEL_ERRORS = (404, 503)
TABLE_OPTIONS = "Options are in the query, or in the body if it is JSON."
CACHE_HEADERS = {
    "If-None-Match": "The ETag of a previous response. If it still matches, the status is 304 and the body is empty."
}
TABLE_CONTENT = {name: {"schema": {"type": "string", "format": "binary"}} for name in TABLES}
LABELLED = {csv.MEDIA_TYPE: "x,y\n1,2.1\n2,3.9\n", ndjson.MEDIA_TYPE: '{"x": 1, "y": 2.1}\n{"x": 2, "y": 3.9}\n'}
GROUPED = {csv.MEDIA_TYPE: "group,x,y\na,1,2.1\nb,2,3.9\n", ndjson.MEDIA_TYPE: '{"group": "a", "x": 1, "y": 2.1}\n'}
UNLABELLED = {csv.MEDIA_TYPE: "x\n5\n6\n", ndjson.MEDIA_TYPE: '{"x": 5}\n{"x": 6}\n'}
"""Examples of tables in text formats: with y, with labels of groups as well, and without."""
for _examples in (LABELLED, GROUPED, UNLABELLED):
    _examples[csv.TAB_FORMAT.media_type] = _examples[csv.MEDIA_TYPE].replace(",", "\t")


def document(app: Flask) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of the routes of `app` that have an endpoint."""
    plugin = MarshmallowPlugin()
    description = "Linear and ridge regression by gradient descent, over HTTP."
    tags = [{"name": name, "description": description} for name, description in TAGS.values()]
    spec = APISpec("Descent", __version__, "3.1.0", info={"description": description}, plugins=[plugin], tags=tags)
    converter: Any = plugin.converter
    converter.add_attribute_function(_object_array_items)
    converter.add_attribute_function(_null)
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if hasattr(view, "endpoint"):
            methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
            operations = {method.lower(): _operation(rule, view, converter) for method in methods}
            spec.path(PATH_VARIABLE.sub(r"{\1}", rule.rule), operations=operations)
    return spec.to_dict()


def _object_array_items(converter: Any, field: Field[Any], **_: Any) -> dict[str, Any]:
    """Describe the objects of an ObjectArray in place, where apispec would refer to a component."""
    return {"items": converter.fields2jsonschema(field.items.fields)} if isinstance(field, ObjectArray) else {}


def _null(_: Any, field: Field[Any], ret: dict[str, Any], **__: Any) -> dict[str, Any]:
    """Document that an optional field of a body accepts null, but for choices: generators name these oddly."""
    schema = field.parent
    is_body = isinstance(schema, RequestSchema) and schema.null_is_absent and not isinstance(schema, QuerySchema)
    if not is_body or field.required or "enum" in ret:
        return {}
    return {"anyOf": [*ret["anyOf"], {"type": "null"}]} if "anyOf" in ret else {"type": [ret["type"], "null"]}


def _operation(rule: Rule, view: Any, converter: Any) -> dict[str, Any]:
    endpoint: Endpoint = view.endpoint
    summary, _, description = " ".join((view.__doc__ or "").split()).partition(". ")
    if endpoint.table_schema is not None:
        description = f"{description} {TABLE_OPTIONS}".lstrip()
    operation: dict[str, Any] = {
        "operationId": rule.endpoint.split(".")[1],
        "summary": summary.rstrip("."),
        "tags": [TAGS[rule.endpoint.split(".")[0]][0]],
        "parameters": list(_parameters(rule, endpoint, converter)),
        "responses": {**_success_responses(endpoint), **_error_responses(rule, endpoint)},
    }
    if description:
        operation["description"] = description
    if endpoint.request_schema is not None:
        operation["requestBody"] = {"required": True, "content": _request_content(endpoint)}
    return operation


def _request_content(endpoint: Endpoint) -> dict[str, Any]:
    schema = endpoint.request_schema
    examples = {name: {"value": value} for name, value in getattr(schema, "examples", {}).items()}
    content: dict[str, Any] = {json.MEDIA_TYPE: {"schema": schema, "examples": examples}}
    if endpoint.table_schema is None and not endpoint.accepts_tables:
        return content
    is_labelled = endpoint.table_schema is not None and "y" in endpoint.table_schema.fields
    content |= TABLE_CONTENT
    is_grouped = endpoint.table_schema is not None and endpoint.table_schema.rereads
    for name, rows in (GROUPED if is_grouped else LABELLED if is_labelled else UNLABELLED).items():
        content[name] = {"schema": {"type": "string"}, "examples": {"rows": {"value": rows}}}
    return content


def _parameters(rule: Rule, endpoint: Endpoint, converter: Any) -> Iterator[dict[str, Any]]:
    """Yield the parameters. Options have no default in the query: a page would send it beside another in the body."""
    for name in PATH_VARIABLE.findall(rule.rule):
        yield {"in": "path", "name": name, "required": True, **PATH_PARAMETERS[name]}
    if endpoint.query_schema is not None:
        yield {"in": "query", "schema": endpoint.query_schema}
    if endpoint.table_schema is not None:
        for option in converter.schema2parameters(endpoint.table_schema, location="query"):
            schema = option.pop("schema")
            schema.pop("default", None)
            if any(each.get("type") == "object" for each in schema.get("anyOf", ())):
                schema = {"type": "string", "contentMediaType": json.MEDIA_TYPE}
            yield option | {"schema": schema}
    for name, description in (endpoint.request_headers | (CACHE_HEADERS if endpoint.conditional else {})).items():
        yield {"in": "header", "name": name, "required": False, **_header(description)}


def _success_responses(endpoint: Endpoint) -> dict[str, dict[str, Any]]:
    headers = {name: _header(description) for name, description in endpoint.response_headers.items()}
    if endpoint.conditional:
        headers["ETag"] = _header("The tag of this response, for `If-None-Match`.")
    statuses = {endpoint.status: HTTPStatus(endpoint.status).phrase, **endpoint.other_statuses}
    schema = {} if endpoint.response_schema is None else {"schema": endpoint.response_schema}
    tables = TABLE_CONTENT if endpoint.returns_tables else {}
    content = {} if 204 in statuses else {"content": {endpoint.media_type: schema, **tables}}
    found = {str(status): {"description": text, "headers": headers, **content} for status, text in statuses.items()}
    if endpoint.conditional:
        found["304"] = {"description": "The response has the ETag in `If-None-Match`."}
    return found


def _error_responses(rule: Rule, endpoint: Endpoint) -> dict[str, dict[str, Any]]:
    """Return the responses to errors. A request cannot be invalid if nothing in it is read."""
    statuses = {*endpoint.error_statuses, *(BODY_ERRORS if endpoint.request_schema is not None else ())}
    if endpoint.query_schema is not None or PATH_VARIABLE.search(rule.rule):
        statuses.add(422)
    if "<model>" in rule.rule or (endpoint.query_schema and "model" in endpoint.query_schema.fields):
        statuses.update(MODEL_ERRORS)
    content: dict[str, Any] = {problems.MEDIA_TYPE: {"schema": responses.ProblemResponse}}
    format_error = problems.error_format(rule.rule)
    if format_error is not None:
        statuses = {400 if status == 422 else status for status in statuses}
        is_inference = format_error is problems.inference_error
        content = {json.MEDIA_TYPE: {"schema": protocols.InferenceError if is_inference else protocols.ScoringError}}
    return {str(status): {"description": HTTPStatus(status).phrase, "content": content} for status in sorted(statuses)}


def _header(description: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}}
