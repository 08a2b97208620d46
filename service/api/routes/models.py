"""Models, their versions, and the version that serves."""

from itertools import islice
from typing import Any

from flask import Blueprint, Response
from werkzeug.routing import BaseConverter

from service.api.http import problems
from service.api.http.context import services
from service.api.http.endpoint import Endpoint
from service.api.http.response import ViewResult
from service.api.routes.versions import version_json
from service.api.schemas import fit_responses, requests, responses
from service.api.schemas.query import ModelListQuery, VersionListQuery
from service.artifact import torchscript
from service.errors import CorruptArtifact, InvalidModelConfig, NotFound

models = Blueprint("models", __name__)

VERSION_FIELDS = ("trained_at", "loss", "r2", "n")


class VersionConverter(BaseConverter):
    """A version number in a path."""

    regex = "0|[1-9][0-9]*"

    def to_python(self, value: str) -> int:
        """Return the number, cut to 20 digits: longer numbers are not valid versions either."""
        return int(value[:20])


@models.get("/models")
@Endpoint(responses.ModelListResponse(), query_schema=ModelListQuery(), error_statuses=(503,), conditional=True)
def list_models(prefix: str, limit: int, page_token: str) -> ViewResult:
    """List models in order of name, in pages."""
    names = (name for name in services().store.models() if name.startswith(prefix) and name > page_token)
    entries = list(islice(filter(None, map(_model_json_or_none, names)), limit + 1))
    return ViewResult({"models": entries[:limit], **_next_page(entries, limit, "model")})


@models.get("/models/<model>")
@Endpoint(responses.ModelResponse(), error_statuses=(404, 503), conditional=True)
def show_model(model: str) -> ViewResult:
    """Show a model's version numbers, serving version, description and labels."""
    return ViewResult(_model_json(model))


@models.patch("/models/<model>")
@Endpoint(responses.ModelResponse(), request_schema=requests.UpdateModelRequest(), error_statuses=(404, 503))
def update_model(model: str, body: dict[str, Any]) -> ViewResult:
    """Change a model's description and labels. Omitted fields and labels do not change; null removes one."""
    services().store.describe(model, body)
    return ViewResult(_model_json(model))


@models.delete("/models/<model>")
@Endpoint(None, status=204, error_statuses=(404, 503))
def delete_model(model: str) -> ViewResult:
    """Delete a model and all its versions."""
    services().store.delete_model(model)
    return ViewResult({})


@models.get("/models/<model>/versions")
@Endpoint(
    fit_responses.VersionListResponse(), query_schema=VersionListQuery(), error_statuses=(404, 503), conditional=True
)
def list_versions(model: str, limit: int, page_token: str) -> ViewResult:
    """List a model's versions with their losses, newest first, in pages. A version whose file is damaged has a
    `problem` and null values."""
    numbers = (
        number for number in reversed(services().store.versions(model)) if not page_token or number < int(page_token)
    )
    serving, is_pinned = _serving_version(model)
    summaries = (_version_summary_or_none(model, number) for number in numbers)
    entries = list(islice(filter(None, summaries), limit + 1))
    for entry in entries:
        entry["serving"] = entry["version"] == serving
        entry["pinned"] = entry["serving"] and is_pinned
    return ViewResult({"model": model, "versions": entries[:limit], **_next_page(entries, limit, "version")})


@models.get("/models/<model>/versions/<version:version>")
@Endpoint(fit_responses.FitResponse(), error_statuses=(404, 503), conditional=True)
def show_version(model: str, version: int) -> ViewResult:
    """Show a version: the fitted coefficients, the descent and the statistics."""
    found = services().store.version(model, version)
    artifact = torchscript.load_artifact(services().store.read(found))
    value = version_json(found, artifact.report, artifact.data)
    return ViewResult(value, lambda: {"ETag": f'"{value["etag"]}"'})


@models.delete("/models/<model>/versions/<version:version>")
@Endpoint(None, status=204, error_statuses=(404, 409, 503))
def delete_version(model: str, version: int) -> ViewResult:
    """Delete a version. Its number is not used again. A pinned version or the only version cannot be deleted (409)."""
    services().trainer.delete(model, version)
    return ViewResult({})


@models.get("/models/<model>/versions/<version:version>/history")
@Endpoint(fit_responses.HistoryResponse(), error_statuses=(404, 503), conditional=True)
def show_history(model: str, version: int) -> ViewResult:
    """Show the loss curve of a version."""
    return ViewResult({"model": model, "version": version, **_artifact(model, version).report["history"]})


@models.get("/models/<model>/versions/<version:version>/artifact")
@Endpoint(None, media_type="application/octet-stream", error_statuses=(404, 503), conditional=True)
def send_artifact(model: str, version: int) -> Response:
    """Download the TorchScript file of a version. A damaged file is not sent (503)."""
    artifact = _artifact(model, version)
    headers = {"Content-Disposition": f'attachment; filename="{model}-{version}.pt"'}
    response = Response(artifact.data, content_type="application/octet-stream", headers=headers)
    response.set_etag(artifact.tag)
    return response


@models.get("/models/<model>/serving")
@Endpoint(responses.ServingResponse(), error_statuses=(404, 503), conditional=True)
def show_serving(model: str) -> ViewResult:
    """Show which version serves, and whether it is pinned."""
    return ViewResult(_serving_json(model))


@models.put("/models/<model>/serving")
@Endpoint(responses.ServingResponse(), request_schema=requests.PinRequest(), error_statuses=(404, 503))
def pin(model: str, body: dict[str, Any]) -> ViewResult:
    """Pin a version. It serves until another version is pinned or it is unpinned, even if newer ones are published."""
    services().store.pin(model, body["version"])
    return ViewResult(_serving_json(model))


@models.delete("/models/<model>/serving")
@Endpoint(responses.ServingResponse(), error_statuses=(404, 503))
def unpin(model: str) -> ViewResult:
    """Unpin the pinned version. The newest version serves again."""
    services().store.pin(model, None)
    return ViewResult(_serving_json(model))


def _artifact(model: str, version: int) -> torchscript.VersionFile:
    store = services().store
    return torchscript.load_artifact(store.read(store.version(model, version)))


def _serving_json(model: str) -> dict[str, Any]:
    store = services().store
    return {"model": model, "version": store.serving(model).number, "pinned": store.pinned(model) is not None}


def _serving_version(model: str) -> tuple[int | None, bool]:
    """Return the serving version, None if the model's configuration is invalid, and whether it is pinned."""
    try:
        serving = _serving_json(model)
    except InvalidModelConfig:
        return None, False
    return serving["version"], serving["pinned"]


def _model_json(model: str) -> dict[str, Any]:
    store = services().store
    serving, _ = _serving_version(model)
    return {"model": model, "serving": serving, "versions": store.versions(model), **store.about(model)}


def _model_json_or_none(model: str) -> dict[str, Any] | None:
    try:
        return _model_json(model)
    except NotFound:
        return None


def _version_summary_or_none(model: str, version: int) -> dict[str, Any] | None:
    """Return a version's entry in the list; None if the version has been deleted meanwhile."""
    try:
        report = _artifact(model, version).report
    except NotFound:
        return None
    except CorruptArtifact as error:
        return {"version": version, **dict.fromkeys(VERSION_FIELDS), "problem": problems.of_error(error)}
    return {"version": version, **{name: report[name] for name in VERSION_FIELDS}}


def _next_page(entries: list[dict[str, Any]], limit: int, key: str) -> dict[str, str]:
    """Return the token of the next page, if there are more than `limit` entries."""
    return {"next_page_token": str(entries[limit - 1][key])} if len(entries) > limit else {}
