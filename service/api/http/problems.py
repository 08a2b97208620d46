"""Errors as `application/problem+json` (RFC 9457): one table of statuses, one shape."""

import logging
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from service import errors
from service.api.http import error_formats
from service.formats import json

MEDIA_TYPE = "application/problem+json"

STATUSES: dict[type[errors.DescentError], int] = {
    errors.MalformedBody: 400,
    errors.NotFound: 404,
    errors.ModelNotFound: 404,
    errors.VersionNotFound: 404,
    errors.Conflict: 409,
    errors.PreconditionFailed: 412,
    errors.BodyTooLarge: 413,
    errors.UnsupportedMediaType: 415,
    errors.InvalidRequest: 422,
    errors.DivergingLearningRate: 422,
    errors.KeyReused: 422,
    errors.PublishContention: 503,
    errors.CorruptArtifact: 503,
    errors.InvalidModelConfig: 503,
    errors.StoreUnavailable: 503,
}
DETAILS = {
    HTTPStatus.NOT_FOUND: "There is nothing at this path. GET /openapi.json lists the calls.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This path does not take this method; the Allow header lists those it takes.",
}

log = logging.getLogger(__name__)


def register(app: Flask) -> None:
    """Let every error of `app`, expected or not, answer as a problem."""
    app.register_error_handler(errors.DescentError, _of_descent)
    app.register_error_handler(HTTPException, _of_http)
    app.register_error_handler(Exception, _of_bug)


def of_error(error: errors.DescentError) -> dict[str, Any]:
    """The problem of an error."""
    faults = [{"pointer": fault.pointer, "detail": fault.detail} for fault in error.faults]
    plain = of_kind(STATUSES[type(error)], error.slug, error.title, error.detail)
    return plain | ({"errors": faults} if faults else {}) | error.facts


def of_kind(status: int, slug: str, title: str, detail: str) -> dict[str, Any]:
    """A problem with nothing but the members that all have."""
    return {"type": f"urn:descent:problem:{slug}", "title": title, "status": status, "detail": detail}


def of_bug() -> dict[str, Any]:
    """The problem of an error that nobody expected."""
    detail = "Something went wrong here, not in your request. The service's log tells what."
    return of_kind(500, "internal-error", "Internal error", detail)


def _of_descent(error: errors.DescentError) -> Response:
    answer = _answer(of_error(error))
    if "retry_after" in error.facts:
        answer.headers["Retry-After"] = str(error.facts["retry_after"])
    return answer


def _of_http(error: HTTPException) -> Response:
    """werkzeug's own refusals: no such path, method not allowed, and the like."""
    status = HTTPStatus(error.code or 500)
    slug = status.phrase.lower().replace(" ", "-")
    answer = _answer(of_kind(status, slug, status.phrase, DETAILS.get(status, status.description)))
    for name, value in error.get_headers():
        if name.lower() != "content-type":
            answer.headers[name] = value
    return answer


def _of_bug(error: Exception) -> Response:
    log.error("unexpected error", exc_info=error)
    return _answer(of_bug())


def _answer(problem: dict[str, Any]) -> Response:
    """The answer that tells of a problem, in the form that the request's protocol has for it."""
    status, shape = problem["status"], error_formats.shape(request.path)
    if shape is None:
        return Response(json.encode(problem), status, content_type=MEDIA_TYPE)
    status = 400 if status == 422 else status
    return Response(json.encode(shape(status, problem["detail"])), status, content_type=json.MEDIA_TYPE)
