"""The Open Inference Protocol, version 2, over HTTP: what Triton's, KServe's and MLServer's clients speak."""

from typing import Any

from flask import Blueprint, Response, request

from service import __version__
from service.api.http import request_body, response
from service.api.http.context import services
from service.api.http.endpoint import Endpoint
from service.api.schemas import protocols, requests
from service.core.blocks import FloatArray
from service.errors import InvalidModelConfig, MalformedBody, NotFound
from service.formats import json
from service.formats.json import open_inference
from service.serving.predictions import SENT, Predictions

inference_protocol = Blueprint("inference_protocol", __name__, url_prefix="/v2")

HEADER_LENGTH = "Inference-Header-Content-Length"
PLATFORM = "pytorch_torchscript"
EXTENSIONS = ["binary_tensor_data", "model_repository"]


@inference_protocol.get("")
@Endpoint(None, query=requests.AnyQuery(), writes=protocols.ServerMetadata())
def server_metadata() -> Response:
    """Show the server's name, release and protocol extensions."""
    return _answer({"name": "descent", "version": __version__, "extensions": EXTENSIONS})


@inference_protocol.get("/health/live")
@Endpoint(None, query=requests.AnyQuery(), writes=protocols.ServerLive())
def live() -> Response:
    """Check that the process is alive."""
    return _answer({"live": True})


@inference_protocol.get("/health/ready")
@Endpoint(None, query=requests.AnyQuery(), problems=(503,), writes=protocols.ServerReady())
def ready() -> Response:
    """Check that models can be read and trained."""
    services().store.check_ready()
    return _answer({"ready": True})


@inference_protocol.get("/models/<model>")
@inference_protocol.get("/models/<model>/versions/<version:version>", endpoint="version_metadata")
@Endpoint(None, query=requests.AnyQuery(), problems=(404, 503), writes=protocols.ModelMetadata())
def model_metadata(model: str, version: int | None = None) -> Response:
    """Show a model's versions and its tensors."""
    columns = len(services().predictor.model(model, version).columns.names)
    return _answer(
        {
            "name": model,
            "versions": [str(number) for number in services().store.versions(model)],
            "platform": PLATFORM,
            "inputs": [{"name": open_inference.INPUT, "datatype": "FP64", "shape": [-1, columns]}],
            "outputs": [{"name": open_inference.OUTPUT, "datatype": "FP64", "shape": [-1]}],
        }
    )


@inference_protocol.get("/models/<model>/ready")
@inference_protocol.get("/models/<model>/versions/<version:version>/ready", endpoint="version_ready")
@Endpoint(None, query=requests.AnyQuery(), problems=(404, 503), writes=protocols.ModelReady())
def model_ready(model: str, version: int | None = None) -> Response:
    """Check that a model can answer."""
    services().predictor.model(model, version)
    return _answer({"name": model, "ready": True})


@inference_protocol.post("/models/<model>/infer")
@inference_protocol.post("/models/<model>/versions/<version:version>/infer", endpoint="version_infer")
@Endpoint(
    None,
    query=requests.AnyQuery(),
    problems=(404, 503),
    counts="prediction",
    reads=protocols.InferRequest(),
    writes=protocols.InferAnswer(),
    sends=SENT,
)
def infer(model: str, version: int | None = None) -> Response:
    """Predict y for the rows of the input tensor. The serving version of the model answers, unless the path names
    another. Tensors may be binary, as the protocol's extension has them."""
    predictions = Predictions(services().predictor.model(model, version), services().metrics)
    loaded = predictions.loaded
    asked = open_inference.decode(request_body.read_all(), _json_length(), len(loaded.columns.names))
    y = _predicted(predictions, asked)
    body, length = open_inference.encode(asked, model, loaded.version.number, y)
    if length is None:
        return response.complete(body, 200, predictions.headers())
    headers = predictions.headers() | {HEADER_LENGTH: str(length)}
    return response.complete(body, 200, headers, "application/octet-stream")


@inference_protocol.post("/repository/index")
@Endpoint(
    None,
    query=requests.AnyQuery(),
    problems=(503,),
    reads=protocols.IndexRequest(),
    writes=protocols.IndexEntry(many=True),
)
def repository_index() -> Response:
    """List every model with the version that serves. The `ready` filter has no effect: a model that cannot answer is
    listed as `UNAVAILABLE`, with the reason."""
    request_body.read_all()
    return _answer([entry for name in sorted(services().store.models()) if (entry := _entry(name))])


def _entry(name: str) -> dict[str, str] | None:
    """A model as it stands in the index; None for one that has just been deleted."""
    try:
        version = services().store.serving(name)
    except NotFound:
        return None
    except InvalidModelConfig as error:
        return {"name": name, "version": "", "state": "UNAVAILABLE", "reason": error.detail}
    return {"name": name, "version": str(version.number), "state": "READY", "reason": ""}


def _predicted(predictions: Predictions, asked: open_inference.InferenceRequest) -> FloatArray:
    x = asked.x[:, None] if asked.x.ndim == 1 else asked.x
    x = predictions.loaded.columns.arrange(x, None, "/inputs/0/shape")
    y = predictions.of(x, lambda row: f"/inputs/0/data/{row * x.shape[1]}")
    predictions.count()
    return y


def _json_length() -> int | None:
    """How many bytes of the body are JSON, if tensors may follow."""
    given = request.headers.get(HEADER_LENGTH)
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and len(given) < 16):
        raise MalformedBody(f"{HEADER_LENGTH} is no number of bytes.")
    return int(given)


def _answer(value: Any) -> Response:
    """Not compressed: Triton's asynchronous client says that it takes gzip, and inflates nothing but inferences."""
    return Response(json.encode(value), content_type=json.MEDIA_TYPE)
