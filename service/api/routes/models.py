"""What there is: models, their versions, and which of them serves."""

from itertools import islice
from typing import Any

from flask import Blueprint, Response
from werkzeug.routing import BaseConverter

from service.api.http.context import services
from service.api.http.endpoint import Endpoint
from service.api.http.response import ViewResult
from service.api.routes.versions import version_answer
from service.api.schemas import fit_responses, requests, responses
from service.artifact import torchscript
from service.errors import InvalidModelConfig, NotFound

models = Blueprint("models", __name__)


class VersionConverter(BaseConverter):
    """A version's number in a path."""

    regex = "0|[1-9][0-9]*"

    def to_python(self, value: str) -> int:
        """The number; one that no version can have stands for all of those."""
        return int(value[:20])


@models.get("/models")
@Endpoint(responses.ModelsAnswer(), query=requests.ModelsQuery(), problems=(503,))
def list_models(prefix: str, limit: int, page_token: str) -> ViewResult:
    """List models in order of name, a page at a time."""
    names = (name for name in services().store.models() if name.startswith(prefix) and name > page_token)
    found = list(islice(filter(None, map(_model_answer_or_none, names)), limit + 1))
    more = {"next_page_token": found[limit - 1]["model"]} if len(found) > limit else {}
    return ViewResult({"models": found[:limit], **more})


@models.get("/models/<model>")
@Endpoint(responses.ModelAnswer(), problems=(404, 503))
def show_model(model: str) -> ViewResult:
    """Show a model's versions, which of them serves, its description and its labels."""
    return ViewResult(_model_answer(model))


@models.patch("/models/<model>")
@Endpoint(responses.ModelAnswer(), body=requests.DescribeRequest(), problems=(404, 503))
def describe_model(model: str, body: dict[str, Any]) -> ViewResult:
    """Change a model's description and labels. Fields and labels that are not sent stay as they are;
    null removes one."""
    services().store.describe(model, body)
    return ViewResult(_model_answer(model))


@models.delete("/models/<model>")
@Endpoint(None, status=204, problems=(404, 503))
def delete_model(model: str) -> ViewResult:
    """Delete a model and all its versions."""
    services().store.delete_model(model)
    return ViewResult({})


@models.get("/models/<model>/versions")
@Endpoint(responses.ModelAnswer(), problems=(404, 503))
def list_versions(model: str) -> ViewResult:
    """List a model's versions."""
    return ViewResult(_model_answer(model))


@models.get("/models/<model>/versions/<version:version>")
@Endpoint(fit_responses.FitAnswer(), problems=(404, 503))
def show_version(model: str, version: int) -> ViewResult:
    """Show a version: its line, how the descent came to it, and how good it is."""
    found = services().store.version(model, version)
    file = torchscript.load_artifact(services().store.read(found))
    answer = version_answer(found, file.report, file.data)
    return ViewResult(answer, lambda: {"ETag": f'"{answer["etag"]}"'})


@models.delete("/models/<model>/versions/<version:version>")
@Endpoint(None, status=204, problems=(404, 409, 503))
def delete_version(model: str, version: int) -> ViewResult:
    """Delete a version. Its number is never used again. A version that is pinned, or the only one, cannot be deleted
    (409)."""
    services().trainer.delete(model, version)
    return ViewResult({})


@models.get("/models/<model>/versions/<version:version>/history")
@Endpoint(fit_responses.HistoryAnswer(), problems=(404, 503))
def show_history(model: str, version: int) -> ViewResult:
    """Show the loss curve of a version."""
    file = torchscript.load_artifact(services().store.read(services().store.version(model, version)))
    return ViewResult({"model": model, "version": version, **file.report["history"]})


@models.get("/models/<model>/versions/<version:version>/artifact")
@Endpoint(None, media_type="application/octet-stream", problems=(404, 503), tags=True)
def send_artifact(model: str, version: int) -> Response:
    """Download the TorchScript file of a version. A file that is not as it was written is not sent (503)."""
    file = torchscript.load_artifact(services().store.read(services().store.version(model, version)))
    headers = {"Content-Disposition": f'attachment; filename="{model}-{version}.pt"'}
    response = Response(file.data, content_type="application/octet-stream", headers=headers)
    response.set_etag(file.tag)
    return response


@models.get("/models/<model>/serving")
@Endpoint(responses.ServingAnswer(), problems=(404, 503))
def show_serving(model: str) -> ViewResult:
    """Show which version answers predictions, and whether it is pinned."""
    return ViewResult(_serving_answer(model))


@models.put("/models/<model>/serving")
@Endpoint(responses.ServingAnswer(), body=requests.PinRequest(), problems=(404, 503))
def pin(model: str, body: dict[str, Any]) -> ViewResult:
    """Pin a version. It answers predictions, whatever is published, until another is pinned or it is unpinned."""
    services().store.pin(model, body["version"])
    return ViewResult(_serving_answer(model))


@models.delete("/models/<model>/serving")
@Endpoint(responses.ServingAnswer(), problems=(404, 503))
def unpin(model: str) -> ViewResult:
    """Unpin the version that is pinned. The newest version answers predictions again."""
    services().store.pin(model, None)
    return ViewResult(_serving_answer(model))


def _serving_answer(model: str) -> dict[str, Any]:
    store = services().store
    return {"model": model, "version": store.serving(model).number, "pinned": store.pinned(model) is not None}


def _model_answer(model: str) -> dict[str, Any]:
    store = services().store
    return {"model": model, "serving": _serving(model), "versions": store.versions(model), **store.about(model)}


def _serving(model: str) -> int | None:
    """The serving version's number; None where the model's configuration cannot be followed."""
    try:
        return services().store.serving(model).number
    except InvalidModelConfig:
        return None


def _model_answer_or_none(model: str) -> dict[str, Any] | None:
    try:
        return _model_answer(model)
    except NotFound:
        return None
