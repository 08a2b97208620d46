"""Predicting and evaluating: one model, or one for each group of rows."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import numpy as np
from flask import Blueprint

from service.api.http.context import services
from service.api.http.endpoint import Endpoint
from service.api.http.response import ViewResult
from service.api.routes.groups import RowNumbers, each_group
from service.api.schemas import requests, responses
from service.core.blocks import FloatArray
from service.core.evaluation import EvaluationBatch, evaluate
from service.errors import InvalidRequest
from service.formats.arrays import Pointer, Table
from service.formats.dataset import FeatureRows, LabelledRows
from service.formats.table import Columns
from service.serving.predictions import SENT, Predictions
from service.serving.predictor import LoadedModel, check_finite

predicting = Blueprint("predicting", __name__)

CONTRIBUTIONS = "contributions."
"""What the names of columns of contributions begin with in a table."""

Told = Callable[[FloatArray, FloatArray, Pointer], Columns]
"""What is told of x (n, d) and its ŷ (n,), as columns; raises InvalidRequest at the pointer of a row."""


def predict(model: str, body: dict[str, Any], version: int | None = None) -> ViewResult:
    """Predict y for rows of x. The serving version of the model answers, unless the path names another."""
    loaded = services().predictor.model(model, version)
    predictions = Predictions(loaded, services().metrics)
    told = _told(loaded, body)
    answer = {"model": model, "version": loaded.version.number}
    if body["explain"]:
        answer["mean_prediction"] = loaded.mean_prediction
    if "rows" in body:
        rows: FeatureRows = body["rows"]
        batches, json_columns = _batches(predictions, rows, told), partial(_in_rows, loaded)
        return ViewResult(
            answer, predictions.headers, batches=batches, json_columns=json_columns, trailer=rows.missing_values.report
        )
    table = body["x"]
    x, y = _predicted(predictions, table)
    columns = told(x, y, table.pointer)
    in_row_shape = _mirrored(loaded, columns, is_single_row=table.is_single_row)
    return ViewResult(answer | in_row_shape | body["sieve"].report(), predictions.headers, table=columns)


PREDICT = Endpoint(
    responses.PredictAnswer(),
    body=requests.PredictRequest(),
    table=requests.PredictTable(),
    answers_tables=True,
    problems=(404, 503),
    counts="prediction",
    sends=SENT,
)
predicting.post("/predict", endpoint="predict")(replace(PREDICT, query=requests.ModelQuery())(predict))
predicting.post("/models/<model>/predict", endpoint="predict_model")(PREDICT(predict))
predicting.post("/models/<model>/versions/<version:version>/predict", endpoint="predict_version")(PREDICT(predict))


def evaluate_model(model: str, body: dict[str, Any], version: int | None = None) -> ViewResult:
    """Compare predictions for rows of x with the y that was observed. The predictions are those of the serving version,
    unless the path names another."""
    rows: LabelledRows = body["rows"]
    loaded = services().predictor.model(model, version)
    with np.errstate(over="ignore", invalid="ignore"):
        evaluation = asdict(evaluate(_observed(loaded, rows)))
    if evaluation["n"] == 0:
        raise InvalidRequest.at("/sample_weight", "is zero for every row; give at least one a positive weight")
    if not np.isfinite([value for value in evaluation.values() if value is not None]).all():
        raise InvalidRequest("The errors' squares are numbers that no float64 holds.")
    metrics = services().metrics
    metrics.gauge("descent_evaluation_loss", metrics.model_label(model)).set(evaluation["mse"])
    return ViewResult({"model": model, "version": loaded.version.number, **evaluation, **rows.missing_values.report()})


EVALUATE = Endpoint(
    responses.EvaluateAnswer(), body=requests.EvaluateRequest(), table=requests.EvaluateTable(), problems=(404, 503)
)
predicting.post("/models/<model>/evaluate", endpoint="evaluate_model")(EVALUATE(evaluate_model))
predicting.post("/models/<model>/versions/<version:version>/evaluate", endpoint="evaluate_version")(
    EVALUATE(evaluate_model)
)


@predicting.post("/models:predict")
@Endpoint(responses.GroupPredictionsAnswer(), body=requests.GroupPredictRequest(), counts="prediction")
def predict_groups(body: dict[str, Any]) -> ViewResult:
    """Predict y for each group of rows from its own model. A group that fails has a problem for its result; the
    others are answered all the same."""

    def predict_one(model: str, table: Table, rows: RowNumbers) -> dict[str, Any]:
        loaded = services().predictor.model(model)
        _, y = _predicted(Predictions(loaded, services().metrics), table)
        return {"version": loaded.version.number, "rows": rows, "y": y}

    return ViewResult({"results": each_group(body, predict_one)})


def _predicted(predictions: Predictions, table: Table) -> tuple[FloatArray, FloatArray]:
    """x in the order of the model's columns, and ŷ, which is counted."""
    x, y = predictions.of_table(table)
    predictions.count()
    return x, y


def _batches(predictions: Predictions, rows: FeatureRows, told: Told) -> Iterator[Columns]:
    """What is told of each batch of `rows`; ŷ is counted when all are there."""
    for values, pointer in rows.batches:
        x = predictions.loaded.columns.arrange(values, rows.names, "/x", in_table=True)
        yield told(x, predictions.of(x, pointer), pointer)
    predictions.count()


def _told(loaded: LoadedModel, body: dict[str, Any]) -> Told:
    """What the request asks to be told: ŷ, and the bounds of its interval and each column's part in it if asked for."""
    reach = None
    if body["interval"] is not None:
        of_mean = body["interval_kind"] == "confidence"
        reach = services().predictor.reach(loaded, body["interval"], of_mean=of_mean)

    @np.errstate(over="ignore", invalid="ignore")
    def told(x: FloatArray, y: FloatArray, pointer: Pointer) -> Columns:
        columns = {"y": y}
        if reach:
            half = reach(x)
            check_finite(np.abs(y) + half, "an interval", pointer)
            columns |= {"lower": y - half, "upper": y + half}
        if body["explain"]:
            parts_of = zip(loaded.columns.names, loaded.contributions(x).T, strict=True)
            columns |= {CONTRIBUTIONS + name: column for name, column in parts_of}
        return columns

    return told


def _mirrored(loaded: LoadedModel, columns: Columns, *, is_single_row: bool) -> dict[str, Any]:
    """`columns` as JSON has them: contributions are in the form of the model's rows, or by name if its columns have
    names; of a bare row, everything is bare."""
    told = {name: column[0] if is_single_row else column for name, column in columns.items()}
    contributions = [told.pop(name) for name in columns if name.startswith(CONTRIBUTIONS)]
    if not contributions:
        return told
    if is_single_row or loaded.columns.named or loaded.columns.has_number_rows:
        return told | {"contributions": loaded.columns.in_row_shape(contributions)}
    return told | {"contributions": np.column_stack(contributions)}


def _in_rows(loaded: LoadedModel, columns: Columns) -> Columns:
    """`columns` of a batch as JSON has them, where the members of an object stay apart."""
    return columns if loaded.columns.named else _mirrored(loaded, columns, is_single_row=False)


def _observed(loaded: LoadedModel, rows: LabelledRows) -> Iterator[EvaluationBatch]:
    for batch, pointer in rows.batches:
        x = loaded.columns.arrange(batch.x, rows.columns.given_names, "/x", in_table=rows.in_table)
        yield EvaluationBatch(batch.y, loaded.predict(x, pointer), batch.weight)
