"""MLflow's scoring protocol, for the model in `?model=`."""

import numpy as np
from flask import Blueprint, Response

from service.api.http import ignored_columns, request_body
from service.api.http.context import services
from service.api.http.endpoint import Endpoint
from service.api.http.response import ViewResult
from service.api.schemas import protocols, query
from service.formats import dataset, json
from service.formats.json import mlflow as mlflow_formats
from service.serving.predictions import RESPONSE_HEADERS, Predictions

mlflow = Blueprint("mlflow", __name__)


@mlflow.get("/ping")
@mlflow.get("/health", endpoint="health")
@Endpoint(None, query_schema=query.ModelQuery())
def ping(model: str) -> Response:
    """Check that a model can predict."""
    services().predictor.model(model)
    return Response("\n", content_type=json.MEDIA_TYPE)


@mlflow.post("/invocations")
@Endpoint(
    protocols.ScoringResponse(),
    query_schema=query.ModelQuery(),
    request_schema=protocols.ScoringRequest(),
    accepts_tables=True,
    response_headers=RESPONSE_HEADERS | ignored_columns.RESPONSE_HEADERS,
    counted_as="prediction",
)
def invocations(model: str) -> ViewResult:
    """Predict y for rows in MLflow's formats. The body is JSON in one of MLflow's four forms, or a table."""
    predictions = Predictions(services().predictor.model(model), services().metrics)
    media_type = request_body.media_type(tables=True)
    body = request_body.open_body(media_type)
    columns = predictions.loaded.columns
    if media_type != json.MEDIA_TYPE:
        table = request_body.open_table(body, media_type, {})
        rows = dataset.feature_rows(table, None, "error", columns, "/columns")
        batches, ignored = iter([(block.values, block.row_pointer) for block in rows.batches]), rows.ignored
    else:
        sent = mlflow_formats.rows(json.decode(request_body.read_all(body)))
        found = dataset.feature_json(sent, "error", columns)
        batches, ignored = iter([(found.x.values, found.x.pointer)]), found.ignored
    y = np.concatenate([predictions.predict(x, pointer) for x, pointer in batches])
    predictions.count()
    return ViewResult({"predictions": y}, predictions.headers, ignored=ignored)
