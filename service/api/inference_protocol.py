"""The Open Inference Protocol, version 2, over HTTP: what Triton's, KServe's and MLServer's clients speak."""

from typing import Any

from flask import Blueprint, Response, g, request

from service import __version__
from service.api import answers, bodies
from service.api.protocols import PREDICTION
from service.api.routes import count_predictions, parts
from service.errors import MalformedBody, StoreUnavailable
from service.formats import json, tensors
from service.predictor import LoadedModel

routes = Blueprint("inference_protocol", __name__, url_prefix="/v2")

HEADER_LENGTH = "Inference-Header-Content-Length"
PLATFORM = "pytorch_torchscript"
EXTENSIONS = ["binary_tensor_data", "model_repository"]


@routes.get("")
def server_metadata() -> Response:
    """What this server is."""
    return _answer({"name": "descent", "version": __version__, "extensions": EXTENSIONS})


@routes.get("/health/live")
def live() -> Response:
    """Whether the process answers."""
    return _answer({"live": True})


@routes.get("/health/ready")
def ready() -> Response:
    """Whether models can be read and trained."""
    if parts().store.is_ready():
        return _answer({"ready": True})
    raise StoreUnavailable("The store's folder cannot be read and written (DESCENT_STORE).")


@routes.get("/models/<model>")
@routes.get("/models/<model>/versions/<version:version>", endpoint="version_metadata")
def model_metadata(model: str, version: int | None = None) -> Response:
    """A model's versions and tensors."""
    columns = len(parts().predictor.model(model, version).columns.names)
    return _answer(
        {
            "name": model,
            "versions": [str(number) for number in parts().store.versions(model)],
            "platform": PLATFORM,
            "inputs": [{"name": tensors.INPUT, "datatype": "FP64", "shape": [-1, columns]}],
            "outputs": [{"name": tensors.OUTPUT, "datatype": "FP64", "shape": [-1]}],
        }
    )


@routes.get("/models/<model>/ready")
@routes.get("/models/<model>/versions/<version:version>/ready", endpoint="version_ready")
def model_ready(model: str, version: int | None = None) -> Response:
    """Whether a model can answer."""
    parts().predictor.model(model, version)
    return _answer({"name": model, "ready": True})


@routes.post("/models/<model>/infer")
@routes.post("/models/<model>/versions/<version:version>/infer", endpoint="version_infer")
def infer(model: str, version: int | None = None) -> Response:
    """ŷ for the rows of the input tensor."""
    g.operation = PREDICTION
    loaded = parts().predictor.model(model, version)
    asked = tensors.decode(bodies.whole(), _json_length(), len(loaded.columns.names))
    y = _predict(loaded, asked)
    count_predictions(model, len(y))
    body, length = tensors.encode(asked, model, loaded.version.number, y)
    if length is None:
        return answers.whole(body, 200, None)
    return answers.whole(body, 200, {HEADER_LENGTH: str(length)}, "application/octet-stream")


@routes.post("/repository/index")
def repository_index() -> Response:
    """The serving version of every model: all of them can answer, so `ready` chooses nothing."""
    bodies.whole()
    store = parts().store
    serving = [store.serving(name) for name in sorted(store.models())]
    return _answer([{"name": v.model, "version": str(v.number), "state": "READY", "reason": ""} for v in serving])


def _predict(loaded: LoadedModel, asked: tensors.Inference) -> Any:
    x = asked.x[:, None] if asked.x.ndim == 1 else asked.x
    x = loaded.columns.arrange(x, None, "/inputs/0/shape")
    return loaded.predict(x, lambda row: f"/inputs/0/data/{row}")


def _json_length() -> int | None:
    """How many bytes of the body are JSON, if tensors may follow."""
    given = request.headers.get(HEADER_LENGTH)
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and len(given) < 16):
        raise MalformedBody(f"{HEADER_LENGTH} is no number of bytes.")
    return int(given)


def _answer(value: Any) -> Response:
    return answers.whole(json.encode(value), 200, None)
