"""What other servers' protocols share here: how each tells of errors."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

Shape = Callable[[int, str], dict[str, Any]]
"""The document of an error, from its status and detail."""


MLFLOW_CODES = {
    400: "BAD_REQUEST",
    404: "RESOURCE_DOES_NOT_EXIST",
    500: "INTERNAL_ERROR",
    503: "TEMPORARILY_UNAVAILABLE",
}


def shape(path: str) -> Shape | None:
    """How the protocol that `path` belongs to tells of errors; None for problems as in RFC 9457."""
    if path == "/v2" or path.startswith("/v2/"):
        return inference_error
    return scoring_error if path in ("/invocations", "/ping", "/health") else None


def inference_error(_: int, detail: str) -> dict[str, Any]:
    """An error of the Open Inference Protocol."""
    return {"error": detail}


def scoring_error(status: int, detail: str) -> dict[str, Any]:
    """An error of MLflow's scoring."""
    return {"error_code": MLFLOW_CODES.get(status, HTTPStatus(status).name), "message": detail}
