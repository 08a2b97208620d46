"""MLflow's scoring protocol, for the model in `?model=`."""

from typing import Any

import numpy as np
from flask import Blueprint, Response, g

from service.api import answers, bodies
from service.api.operation import single_valued_query
from service.api.protocols import PREDICTION
from service.api.routes import count_predictions, parts
from service.api.schemas import ModelQuery
from service.core.statistics import FloatArray
from service.formats import json, rows, scoring
from service.predictor import LoadedModel

routes = Blueprint("mlflow", __name__)
QUERY = ModelQuery()


@routes.get("/ping")
@routes.get("/health", endpoint="health")
def ping() -> Response:
    """Whether the model can answer."""
    _model()
    return Response("\n", content_type=json.MEDIA_TYPE)


@routes.post("/invocations")
def invocations() -> Response:
    """ŷ for rows as MLflow's clients send them: JSON in their forms, or a table."""
    g.operation = PREDICTION
    loaded = _model()
    media_type = bodies.media_type()
    y = _of_json(loaded) if media_type == json.MEDIA_TYPE else _of_table(loaded, media_type)
    count_predictions(loaded.version.model, len(y))
    return answers.whole(json.encode({"predictions": y}), 200, None)


def _model() -> LoadedModel:
    query: dict[str, Any] = QUERY.load(single_valued_query())
    return parts().predictor.model(query["model"])


def _of_json(loaded: LoadedModel) -> FloatArray:
    table = scoring.table(json.decode(bodies.whole()))
    return loaded.predict(loaded.columns.arrange(table.values, table.names, "/columns"), table.pointer)


def _of_table(loaded: LoadedModel, media_type: str) -> FloatArray:
    found = rows.unlabelled(bodies.source(media_type), None, "refuse")
    arranged = (loaded.columns.arrange(x, found.names, "/columns") for x in found.batches)
    return np.concatenate([loaded.predict(x, lambda row: f"/{row}") for x in arranged])
