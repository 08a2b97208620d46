"""The error formats of the Open Inference Protocol and of MLflow."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

ErrorFormat = Callable[[int, str], dict[str, Any]]
"""Makes an error document from a status and a detail."""


MLFLOW_CODES = {404: "RESOURCE_DOES_NOT_EXIST", 500: "INTERNAL_ERROR", 503: "TEMPORARILY_UNAVAILABLE"}
"""MLflow's names of errors; others have those of the statuses in HTTP."""


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
