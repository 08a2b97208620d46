"""Predicting and evaluating: one model, or one for each group of rows."""

from dataclasses import asdict
from typing import Any

import numpy as np
from flask import Blueprint

from service.api import schemas
from service.api.groups import Rows, each_group
from service.api.operation import Answer, operation
from service.api.parts import parts
from service.core.evaluation import evaluate
from service.core.statistics import FloatArray
from service.errors import InvalidRequest
from service.formats.arrays import Table
from service.predictor import LoadedModel

predicting = Blueprint("predicting", __name__)


def predict(model: str, body: dict[str, Any], version: int | None = None) -> Answer:
    """Predict ŷ for x from a version's TorchScript file: the serving version's, unless the path names one."""
    table = body["x"]
    loaded, x, y, outside = _predict(model, table, version)
    answer = {"model": model, "version": loaded.version.number, "y": y[0] if table.bare else y}
    if body["interval"] is not None:
        reach = parts().predictor.reach(loaded, x, body["interval"], of_mean=body["interval_kind"] == "confidence")
        answer |= {"lower": (y - reach)[0] if table.bare else y - reach}
        answer |= {"upper": (y + reach)[0] if table.bare else y + reach}
    if body["explain"]:
        contributions, mean = loaded.explain(x)
        mirrored = loaded.columns.mirror(contributions[0].tolist()) if table.bare else _by_row(loaded, contributions)
        answer |= {"contributions": mirrored, "mean_prediction": mean}
    return Answer(answer, {"Descent-Extrapolated": str(outside)} if outside else None)


PREDICT = operation(schemas.PredictAnswer, body=schemas.PredictRequest, problems=(404, 503), counts="prediction")
predicting.post("/predict", endpoint="predict")(PREDICT(predict, schemas.ModelQuery))
predicting.post("/models/<model>/predict", endpoint="predict_model")(PREDICT(predict))
predicting.post("/models/<model>/versions/<version:version>/predict", endpoint="predict_version")(PREDICT(predict))


def evaluate_model(model: str, body: dict[str, Any], version: int | None = None) -> Answer:
    """Compare a version's predictions for x with y."""
    table, y, weight = body["x"], body["y"], body["sample_weight"]
    n = len(table.values)
    for name, values in (("y", y), ("sample_weight", weight)):
        if values is not None and len(values) != n:
            raise InvalidRequest.at(f"/{name}", f"has {len(values)} numbers, but x has {n} rows; send one for each")
    if weight is not None and (weight.min() < 0 or weight.max() == 0):
        raise InvalidRequest.at("/sample_weight", "must have no negative and at least one positive number")
    loaded = parts().predictor.model(model, version)
    predicted = loaded.predict(loaded.columns.arrange(table.values, table.names, "/x"), table.pointer)
    with np.errstate(over="ignore"):
        found = asdict(evaluate(y, predicted, weight))
    if not np.isfinite([value for value in found.values() if value is not None]).all():
        raise InvalidRequest("The errors' squares are numbers that no float64 holds.")
    metrics = parts().metrics
    metrics.gauges["descent_evaluation_loss"].labels(metrics.model_label(model)).set(found["mse"])
    return Answer({"model": model, "version": loaded.version.number, **found})


EVALUATE = operation(schemas.EvaluateAnswer, body=schemas.EvaluateRequest, problems=(404, 503))
predicting.post("/models/<model>/evaluate", endpoint="evaluate_model")(EVALUATE(evaluate_model))
predicting.post("/models/<model>/versions/<version:version>/evaluate", endpoint="evaluate_version")(
    EVALUATE(evaluate_model)
)


@predicting.post("/models:predict")
@operation(schemas.GroupsAnswer, body=schemas.GroupPredictRequest, counts="prediction")
def predict_groups(body: dict[str, Any]) -> Answer:
    """Predict ŷ for the rows of each group from its own model. One result per group, which names its rows."""

    def predict_one(model: str, table: Table, rows: Rows) -> dict[str, Any]:
        loaded, _, y, _ = _predict(model, table, None)
        return {"version": loaded.version.number, "rows": rows, "y": y}

    return Answer({"results": each_group(body, predict_one)})


def _predict(model: str, table: Table, version: int | None) -> tuple[LoadedModel, FloatArray, FloatArray, int]:
    """The version, x in the order of its columns, ŷ, and how many rows are outside the range of its training data."""
    loaded = parts().predictor.model(model, version)
    x = loaded.columns.arrange(table.values, table.names, "/x")
    y = loaded.predict(x, table.pointer)
    outside = loaded.count_outside(x)
    metrics = parts().metrics
    label = metrics.model_label(model)
    metrics.counters["descent_predictions_total"].labels(label).inc()
    metrics.counters["descent_predicted_rows_total"].labels(label).inc(len(y))
    if outside:
        metrics.counters["descent_extrapolated_inputs_total"].labels(label).inc(outside)
    return loaded, x, y, outside


def _by_row(loaded: LoadedModel, contributions: FloatArray) -> Any:
    """Contributions (n, d) in the form of x: numbers, rows, or columns by name."""
    if loaded.columns.named:
        return dict(zip(loaded.columns.names, contributions.T, strict=True))
    return contributions[:, 0] if loaded.columns.mirrors_number else contributions
