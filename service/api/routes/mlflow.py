"""MLflow's scoring protocol, for the model in `?model=`."""

import numpy as np
from flask import Blueprint, Response

from service.api.http import request_body, response
from service.api.http.context import services
from service.api.http.endpoint import Endpoint
from service.api.schemas import protocols, requests
from service.core.blocks import FloatArray
from service.formats import dataset, json
from service.formats.json import mlflow as mlflow_formats
from service.formats.table import Body
from service.serving.predictions import SENT, Predictions

mlflow = Blueprint("mlflow", __name__)


@mlflow.get("/ping")
@mlflow.get("/health", endpoint="health")
@Endpoint(None, query=requests.ModelQuery(), problems=(404, 503))
def ping(model: str) -> Response:
    """Check that a model can answer."""
    services().predictor.model(model)
    return Response("\n", content_type=json.MEDIA_TYPE)


@mlflow.post("/invocations")
@Endpoint(
    None,
    query=requests.ModelQuery(),
    problems=(404, 503),
    counts="prediction",
    reads_tables=True,
    reads=protocols.ScoringRequest(),
    writes=protocols.ScoringAnswer(),
    sends=SENT,
)
def invocations(model: str) -> Response:
    """Predict y for rows as MLflow's clients send them. The body is JSON in one of their forms, or a table."""
    predictions = Predictions(services().predictor.model(model), services().metrics)
    media_type = request_body.media_type(tables=True)
    body = request_body.open_body(media_type)
    y = _of_json(predictions, body) if media_type == json.MEDIA_TYPE else _of_table(predictions, body, media_type)
    predictions.count()
    return response.complete(json.encode({"predictions": y}), 200, predictions.headers())


def _of_json(predictions: Predictions, body: Body) -> FloatArray:
    table = mlflow_formats.table(json.decode(request_body.read_all(body)))
    x = predictions.loaded.columns.arrange(table.values, table.names, "/columns")
    return predictions.of(x, table.pointer)


def _of_table(predictions: Predictions, body: Body, media_type: str) -> FloatArray:
    found = dataset.feature_rows(request_body.open_table(body, media_type), None, "error")
    columns = predictions.loaded.columns
    arranged = ((columns.arrange(x, found.names, "/columns", in_table=True), pointer) for x, pointer in found.batches)
    return np.concatenate([predictions.of(x, pointer) for x, pointer in arranged])
