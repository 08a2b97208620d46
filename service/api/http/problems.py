"""Errors as `application/problem+json` (RFC 9457), or in the format of the Open Inference Protocol or of MLflow."""

import logging
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from service.errors import DescentError
from service.formats import json

MEDIA_TYPE = "application/problem+json"

DETAILS = {
    HTTPStatus.NOT_FOUND: "This path does not exist. GET /openapi.json lists all paths.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This path does not support the method. The Allow header lists the supported ones.",
}

ErrorFormat = Callable[[int, str], dict[str, Any]]
"""Makes an error document from a status and a detail."""
MLFLOW_CODES = {404: "RESOURCE_DOES_NOT_EXIST", 500: "INTERNAL_ERROR", 503: "TEMPORARILY_UNAVAILABLE"}
"""MLflow's names of errors; others have those of the statuses in HTTP."""

log = logging.getLogger(__name__)


def register(app: Flask) -> None:
    """Make `app` answer every error, expected or not, with a problem."""
    app.register_error_handler(Exception, _handle_exception)
    app.register_error_handler(HTTPException, _handle_http_exception)


def of_error(error: Exception) -> dict[str, Any]:
    """Return the problem of an error. An unexpected one is logged, and the problem does not describe it."""
    if not isinstance(error, DescentError):
        log.error("unexpected error", exc_info=error)
        detail = "An unexpected error occurred; the request is not at fault. The service's log has the details."
        return make_problem(500, "internal-error", "Internal error", detail)
    faults = [{"pointer": fault.pointer, "detail": fault.detail} for fault in error.faults]
    problem = make_problem(error.status, error.slug, error.title, error.detail)
    return problem | ({"errors": faults} if faults else {}) | error.facts


def make_problem(status: int, slug: str, title: str, detail: str) -> dict[str, Any]:
    """Return a problem with the members that every problem has."""
    return {"type": f"urn:descent:problem:{slug}", "title": title, "status": status, "detail": detail}


def _handle_exception(error: Exception) -> Response:
    problem = of_error(error)
    retry_after = problem.get("retry_after")
    return _response(problem, [("Retry-After", str(retry_after))] if retry_after else [])


def _handle_http_exception(error: HTTPException) -> Response:
    """Return the response to an error of werkzeug: unknown path, unsupported method and the like."""
    status = HTTPStatus(error.code or 500)
    slug = status.phrase.lower().replace(" ", "-")
    problem = make_problem(status, slug, status.phrase, DETAILS.get(status, status.description))
    return _response(problem, error.get_headers())


def _response(problem: dict[str, Any], headers: Iterable[tuple[str, str]] = ()) -> Response:
    """Return the response with `problem`, in the error format of the request's protocol, which sets Content-Type."""
    status, format_error = problem["status"], error_format(request.path)
    content, media_type = problem, MEDIA_TYPE
    if format_error is not None:
        status = 400 if status == 422 else status
        content, media_type = format_error(status, problem["detail"]), json.MEDIA_TYPE
    return Response(json.encode(content), status, headers, content_type=media_type)


def error_format(path: str) -> ErrorFormat | None:
    """Return the error format of the protocol that `path` belongs to; None for RFC 9457."""
    if path == "/v2" or path.startswith("/v2/"):
        return inference_error
    return scoring_error if path in ("/invocations", "/ping", "/health") else None


def inference_error(_: int, detail: str) -> dict[str, Any]:
    """Return an error of the Open Inference Protocol."""
    return {"error": detail}


def scoring_error(status: int, detail: str) -> dict[str, Any]:
    """Return an error of MLflow's scoring protocol."""
    return {"error_code": MLFLOW_CODES.get(status, HTTPStatus(status).name), "message": detail}
