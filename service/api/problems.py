"""Errors as `application/problem+json` (RFC 9457): one table of statuses, one shape."""

import logging
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from service import errors
from service.api import protocols
from service.formats import json

MEDIA_TYPE = "application/problem+json"

STATUSES: dict[type[errors.DescentError], int] = {
    errors.MalformedBody: 400,
    errors.NotFound: 404,
    errors.ModelNotFound: 404,
    errors.VersionNotFound: 404,
    errors.BodyTooLarge: 413,
    errors.UnsupportedMediaType: 415,
    errors.InvalidRequest: 422,
    errors.DivergingRate: 422,
    errors.DamagedVersion: 503,
    errors.StoreUnavailable: 503,
}

log = logging.getLogger(__name__)


def register(app: Flask) -> None:
    """Let every error of `app`, expected or not, answer as a problem."""
    app.register_error_handler(errors.DescentError, _of_descent)
    app.register_error_handler(HTTPException, _of_http)
    app.register_error_handler(Exception, _of_bug)


def problem(status: int, slug: str, title: str, detail: str, **members: Any) -> Response:
    """The answer that tells of a problem, in the form that the request's protocol has for it."""
    shape = protocols.shape(request.path)
    if shape is not None:
        status = 400 if status == 422 else status
        return Response(json.encode(shape(status, detail)), status, content_type=json.MEDIA_TYPE)
    return Response(body(status, slug, title, detail, **members), status, content_type=MEDIA_TYPE)


def body(status: int, slug: str, title: str, detail: str, **members: Any) -> bytes:
    """The problem's document."""
    document = {"type": f"urn:descent:problem:{slug}", "title": title, "status": status, "detail": detail, **members}
    return json.encode(document)


def _of_descent(error: errors.DescentError) -> Response:
    faults = [{"pointer": fault.pointer, "detail": fault.detail} for fault in error.faults]
    members = {**({"errors": faults} if faults else {}), **error.facts}
    return problem(STATUSES[type(error)], error.slug, error.title, error.detail, **members)


def _of_http(error: HTTPException) -> Response:
    """werkzeug's own refusals: no such path, method not allowed, body too large, and the like."""
    status = HTTPStatus(error.code or 500)
    answer = problem(
        status, status.phrase.lower().replace(" ", "-"), status.phrase, _DETAILS.get(status, status.description)
    )
    for name, value in error.get_headers():
        if name.lower() != "content-type":
            answer.headers[name] = value
    return answer


def _of_bug(error: Exception) -> Response:
    log.error("unexpected error", exc_info=error)
    detail = "Something went wrong here, not in your request. The service's log tells what."
    return problem(500, "internal-error", "Internal error", detail)


_DETAILS = {
    HTTPStatus.NOT_FOUND: "There is nothing at this path. The calls are listed in the README.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This path does not take this method; the Allow header lists those it takes.",
}
