"""Models, their versions, and the version that serves."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any, TypeVar

from flask import Blueprint, Response
from werkzeug.routing import BaseConverter

from service.api.http import problems
from service.api.http.context import services
from service.api.http.endpoint import Endpoint
from service.api.http.response import ViewResult
from service.api.routes.versions import version_json
from service.api.schemas import fit_responses, query, requests, responses
from service.artifact import torchscript
from service.errors import CorruptArtifact, InvalidModelConfig, ModelNotFound, NotFound

models = Blueprint("models", __name__)

VERSION_FIELDS = ("trained_at", "loss", "r2", "n")

Key = TypeVar("Key")


class VersionConverter(BaseConverter):
    """A version number in a path."""

    regex = "0|[1-9][0-9]*"

    def to_python(self, value: str) -> int:
        """Return the number, cut to 20 digits: longer numbers are not valid versions either."""
        return int(value[:20])


@models.get("/models")
@Endpoint(responses.ModelListResponse(), query_schema=query.ModelListQuery(), error_statuses=(503,), conditional=True)
def list_models(prefix: str, limit: int, page_token: str) -> ViewResult:
    """List models in order of name, in pages."""
    names = (name for name in services().store.models() if name.startswith(prefix) and name > page_token)
    return ViewResult(_page("models", "model", existing(_model_json, names), limit))


@models.get("/models/<model>")
@Endpoint(responses.ModelResponse(), conditional=True)
def show_model(model: str) -> ViewResult:
    """Show a model's version numbers, serving version, description and labels."""
    return ViewResult(_model_json(model))


@models.patch("/models/<model>")
@Endpoint(responses.ModelResponse(), request_schema=requests.UpdateModelRequest())
def update_model(model: str, body: dict[str, Any]) -> ViewResult:
    """Change a model's description and labels. Omitted fields and labels do not change; null removes one."""
    services().store.describe(model, body)
    return ViewResult(_model_json(model))


@models.delete("/models/<model>")
@Endpoint(None, status=204)
def delete_model(model: str) -> None:
    """Delete a model and all its versions."""
    with _nothing_to_delete():
        services().store.delete_model(model)


@models.get("/models/<model>/versions")
@Endpoint(fit_responses.VersionListResponse(), query_schema=query.VersionListQuery(), conditional=True)
def list_versions(model: str, limit: int, page_token: str) -> ViewResult:
    """List a model's versions with their losses, newest first, in pages. A version whose file is damaged has a
    `problem` and null values."""
    numbers = reversed(services().store.versions(model))
    serving = _serving_or_null(model)

    def summary(number: int) -> dict[str, Any]:
        is_serving = number == serving["version"]
        return _version_summary(model, number) | {"serving": is_serving, "pinned": is_serving and serving["pinned"]}

    on_page = (number for number in numbers if not page_token or number < int(page_token))
    return ViewResult({"model": model, **_page("versions", "version", existing(summary, on_page), limit)})


@models.get("/models/<model>/versions/<version:version>")
@Endpoint(fit_responses.FitResponse(), conditional=True)
def show_version(model: str, version: int) -> ViewResult:
    """Show a version: the fitted coefficients, the descent and the statistics."""
    artifact = _artifact(model, version)
    value = version_json(model, version, artifact.report, artifact.data)
    return ViewResult(value, lambda: {"ETag": f'"{value["etag"]}"'})


@models.delete("/models/<model>/versions/<version:version>")
@Endpoint(None, status=204, error_statuses=(409,))
def delete_version(model: str, version: int) -> None:
    """Delete a version. Its number is not used again. A pinned version or the only version cannot be deleted (409)."""
    with _nothing_to_delete():
        services().trainer.delete(model, version)


@models.get("/models/<model>/versions/<version:version>/history")
@Endpoint(fit_responses.HistoryResponse(), conditional=True)
def show_history(model: str, version: int) -> ViewResult:
    """Show the loss curve of a version."""
    return ViewResult({"model": model, "version": version, **_artifact(model, version).report["history"]})


@models.get("/models/<model>/versions/<version:version>/artifact")
@Endpoint(None, media_type="application/octet-stream", conditional=True)
def send_artifact(model: str, version: int) -> Response:
    """Download the TorchScript file of a version. A damaged file is not sent (503)."""
    artifact = _artifact(model, version)
    headers = {"Content-Disposition": f'attachment; filename="{model}-{version}.pt"'}
    response = Response(artifact.data, content_type="application/octet-stream", headers=headers)
    response.set_etag(artifact.tag)
    return response


@models.get("/models/<model>/serving")
@Endpoint(responses.ServingResponse(), conditional=True)
def show_serving(model: str) -> ViewResult:
    """Show which version serves, and whether it is pinned."""
    return ViewResult(_serving_json(model))


@models.put("/models/<model>/serving")
@Endpoint(responses.ServingResponse(), request_schema=requests.PinRequest())
def pin(model: str, body: dict[str, Any]) -> ViewResult:
    """Pin a version. It serves until another version is pinned or it is unpinned, even if newer ones are published."""
    services().store.pin(model, body["version"])
    return ViewResult(_serving_json(model))


@models.delete("/models/<model>/serving")
@Endpoint(responses.ServingResponse())
def unpin(model: str) -> ViewResult:
    """Unpin the pinned version. The newest version serves again."""
    services().store.pin(model, None)
    return ViewResult(_serving_json(model))


def existing(entry: Callable[[Key], dict[str, Any]], keys: Iterable[Key]) -> Iterator[dict[str, Any]]:
    """Yield the entry of each model or version, without those that have been deleted meanwhile."""
    for key in keys:
        with suppress(NotFound):
            yield entry(key)


@contextmanager
def _nothing_to_delete() -> Iterator[None]:
    """Raise ModelNotFound without the advice to train the model."""
    try:
        yield
    except ModelNotFound as error:
        raise ModelNotFound(error.detail.replace("train it first", "there is nothing to delete")) from None


def _page(name: str, key: str, entries: Iterator[dict[str, Any]], limit: int) -> dict[str, Any]:
    """Return the first `limit` entries, and the token of the next page if there are more."""
    page = list(islice(entries, limit))
    more = {"next_page_token": str(page[-1][key])} if next(entries, None) else {}
    return {name: page, **more}


def _artifact(model: str, version: int) -> torchscript.VersionFile:
    store = services().store
    return torchscript.load_artifact(store.read(store.version(model, version)))


def _serving_json(model: str) -> dict[str, Any]:
    store = services().store
    return {"model": model, "version": store.serving(model).number, "pinned": store.pinned(model) is not None}


def _serving_or_null(model: str) -> dict[str, Any]:
    """Return the serving version, null if the model's configuration is invalid, and whether it is pinned."""
    try:
        return _serving_json(model)
    except InvalidModelConfig:
        return {"version": None, "pinned": False}


def _model_json(model: str) -> dict[str, Any]:
    store = services().store
    serving = _serving_or_null(model)["version"]
    return {"model": model, "serving": serving, "versions": store.versions(model), **store.about(model)}


def _version_summary(model: str, version: int) -> dict[str, Any]:
    try:
        report = _artifact(model, version).report
    except CorruptArtifact as error:
        return {"version": version, **dict.fromkeys(VERSION_FIELDS), "problem": problems.of_error(error)}
    return {"version": version, **{name: report[name] for name in VERSION_FIELDS}}
