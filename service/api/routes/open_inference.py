"""The Open Inference Protocol, version 2, over HTTP, as Triton, KServe and MLServer implement it."""

from typing import Any

from flask import Blueprint, Response, request

from service import __version__
from service.api.http import request_body
from service.api.http.context import services
from service.api.http.endpoint import Endpoint
from service.api.http.response import complete_response
from service.api.routes.models import existing
from service.api.schemas import protocols
from service.errors import InvalidModelConfig, MalformedBody
from service.formats import json
from service.formats.json import open_inference
from service.serving.predictions import RESPONSE_HEADERS, Predictions

inference_protocol = Blueprint("inference_protocol", __name__, url_prefix="/v2")

HEADER_LENGTH = "Inference-Header-Content-Length"


@inference_protocol.get("")
@Endpoint(protocols.ServerMetadata(), query_schema=None)
def server_metadata() -> Response:
    """Show the server's name, version and protocol extensions."""
    extensions = ["binary_tensor_data", "model_repository"]
    return _json_response({"name": "descent", "version": __version__, "extensions": extensions})


@inference_protocol.get("/health/live")
@Endpoint(protocols.ServerLive(), query_schema=None)
def live() -> Response:
    """Check that the process is alive."""
    return _json_response({"live": True})


@inference_protocol.get("/health/ready")
@Endpoint(protocols.ServerReady(), query_schema=None, error_statuses=(503,))
def ready() -> Response:
    """Check that models can be read and trained."""
    services().store.check_ready()
    return _json_response({"ready": True})


@inference_protocol.get("/models/<model>")
@inference_protocol.get("/models/<model>/versions/<version:version>", endpoint="version_metadata")
@Endpoint(protocols.ModelMetadata(), query_schema=None)
def model_metadata(model: str, version: int | None = None) -> Response:
    """Show a model's versions and tensors."""
    columns = services().predictor.model(model, version).columns.names
    metadata = {
        "name": model,
        "versions": [str(number) for number in services().store.versions(model)],
        "platform": "pytorch_torchscript",
        "inputs": [
            {
                "name": open_inference.INPUT,
                "datatype": "FP64",
                "shape": [-1, len(columns)],
                "parameters": {"columns": columns},
            }
        ],
        "outputs": [{"name": open_inference.OUTPUT, "datatype": "FP64", "shape": [-1]}],
    }
    return _json_response(metadata)


@inference_protocol.get("/models/<model>/ready")
@inference_protocol.get("/models/<model>/versions/<version:version>/ready", endpoint="version_ready")
@Endpoint(protocols.ModelReady(), query_schema=None)
def model_ready(model: str, version: int | None = None) -> Response:
    """Check that a model can predict."""
    services().predictor.model(model, version)
    return _json_response({"name": model, "ready": True})


@inference_protocol.post("/models/<model>/infer")
@inference_protocol.post("/models/<model>/versions/<version:version>/infer", endpoint="version_infer")
@Endpoint(
    protocols.InferResponse(),
    query_schema=None,
    request_schema=protocols.InferRequest(),
    response_headers=RESPONSE_HEADERS,
    counted_as="prediction",
)
def infer(model: str, version: int | None = None) -> Response:
    """Predict y for the rows of a tensor, or of a tensor for each column. The serving version is used, unless the path
    names another. Tensors can be binary, as in the protocol's binary tensor data extension."""
    predictions = Predictions(services().predictor.model(model, version), services().metrics)
    loaded = predictions.loaded
    inference = open_inference.decode(request_body.read_all(), _json_length(), len(loaded.columns.names))
    at = "/inputs/0/shape" if inference.names is None else "/inputs"
    x = loaded.columns.arrange(inference.x, inference.names, at)
    y = predictions.predict(x, inference.pointer)
    predictions.count()
    body, length = open_inference.encode(inference, model, loaded.version.number, y)
    if length is None:
        return complete_response(body, 200, predictions.headers())
    headers = predictions.headers() | {HEADER_LENGTH: str(length)}
    return complete_response(body, 200, headers, "application/octet-stream")


@inference_protocol.post("/repository/index")
@Endpoint(
    protocols.IndexEntry(many=True), query_schema=None, request_schema=protocols.IndexRequest(), error_statuses=(503,)
)
def repository_index() -> Response:
    """List all models with their serving versions. The `ready` filter has no effect: a model that cannot predict is
    listed as `UNAVAILABLE`, with the reason."""
    request_body.read_all()
    return _json_response(list(existing(_index_entry, sorted(services().store.models()))))


def _index_entry(name: str) -> dict[str, str]:
    try:
        version = services().store.serving(name)
    except InvalidModelConfig as error:
        return {"name": name, "version": "", "state": "UNAVAILABLE", "reason": error.detail}
    return {"name": name, "version": str(version.number), "state": "READY", "reason": ""}


def _json_length() -> int | None:
    """Return the number of bytes of JSON before binary tensors; None without binary tensors."""
    header = request.headers.get(HEADER_LENGTH)
    if header is None:
        return None
    if not (header.isascii() and header.isdigit() and len(header) < 16):
        raise MalformedBody(f"{HEADER_LENGTH} is {header[:40]!r}; give the number of bytes of JSON.")
    return int(header)


def _json_response(value: Any) -> Response:
    """Return an uncompressed response: Triton's asynchronous client accepts gzip but decompresses inferences only."""
    return Response(json.encode(value), content_type=json.MEDIA_TYPE)
