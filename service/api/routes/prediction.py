"""Prediction and evaluation with one model, or prediction with one model for each group of rows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import numpy as np
from flask import Blueprint

from service.api.http import ignored_columns
from service.api.http.context import services
from service.api.http.endpoint import Endpoint
from service.api.http.response import ViewResult
from service.api.routes import groups
from service.api.schemas import group_requests, query, requests, responses
from service.core.blocks import FloatArray
from service.core.evaluation import EvaluationBatch, evaluate
from service.errors import InvalidRequest
from service.formats.arrays import Pointer, RowNumbers
from service.formats.dataset import FeatureRows, FeatureTable, LabelledRows
from service.formats.labels import Numbers
from service.formats.table import Columns
from service.serving.loaded_model import LoadedModel, check_finite
from service.serving.predictions import RESPONSE_HEADERS, Predictions

predicting = Blueprint("predicting", __name__)

CONTRIBUTIONS = "contributions."
"""The prefix of the columns with contributions in a table."""

ColumnsOf = Callable[[FloatArray, FloatArray, Pointer], Columns]
"""Returns the requested columns for x (n, d) and ŷ (n,); raises InvalidRequest at the pointer of a row."""


def predict(model: str, body: dict[str, Any], version: int | None = None) -> ViewResult:
    """Predict y for rows of x. The serving version is used, unless the path names another."""
    loaded = services().predictor.model(model, version)
    predictions = Predictions(loaded, services().metrics)
    columns_of = _requested_columns(loaded, body)
    value = {"model": model, "version": loaded.version.number}
    if body["explain"]:
        value["mean_prediction"] = loaded.mean_prediction
    rows: FeatureRows | FeatureTable = body["rows"](loaded.columns)
    ignored_columns.check(rows.ignored, strict=body["strict"])
    if isinstance(rows, FeatureRows):
        return ViewResult(
            value,
            predictions.headers,
            batches=_predict_batches(predictions, rows, columns_of),
            json_columns=partial(_json_batch, loaded),
            trailer=rows.missing_values.report,
            ignored=rows.ignored,
        )
    table = rows.x
    y = predictions.predict(table.values, table.pointer)
    predictions.count()
    columns = columns_of(table.values, y, table.pointer)
    value |= _json_columns(loaded, columns, is_single_row=table.is_single_row) | rows.missing_values.report()
    return ViewResult(value, predictions.headers, table=columns, ignored=rows.ignored)


PREDICT = Endpoint(
    responses.PredictResponse(),
    request_schema=requests.PredictRequest(),
    table_schema=requests.PredictTableQuery(),
    returns_tables=True,
    response_headers=RESPONSE_HEADERS | ignored_columns.RESPONSE_HEADERS,
    counted_as="prediction",
)
predicting.post("/predict", endpoint="predict")(replace(PREDICT, query_schema=query.ModelQuery())(predict))
predicting.post("/models/<model>/predict", endpoint="predict_model")(PREDICT(predict))
predicting.post("/models/<model>/versions/<version:version>/predict", endpoint="predict_version")(PREDICT(predict))


@predicting.post("/models/<model>/evaluate")
@predicting.post("/models/<model>/versions/<version:version>/evaluate", endpoint="evaluate_version")
@Endpoint(
    responses.EvaluateResponse(),
    request_schema=requests.EvaluateRequest(),
    table_schema=requests.EvaluateTableQuery(),
    response_headers=ignored_columns.RESPONSE_HEADERS,
)
def evaluate_model(model: str, body: dict[str, Any], version: int | None = None) -> ViewResult:
    """Compare predictions for rows of x with observed y. The serving version is used, unless the path names another."""
    loaded = services().predictor.model(model, version)
    rows: LabelledRows = body["rows"](loaded.columns)
    ignored_columns.check(rows.ignored, strict=body["strict"])
    with np.errstate(over="ignore", invalid="ignore"):
        evaluation = asdict(evaluate(_evaluation_batches(loaded, rows)))
    if evaluation["n"] == 0:
        raise InvalidRequest.at("/sample_weight", "is zero for every row; give at least one a positive weight")
    if not np.isfinite([value for value in evaluation.values() if value is not None]).all():
        raise InvalidRequest("The squared errors exceed the range of float64; scale y down.")
    metrics = services().metrics
    metrics.gauge("descent_evaluation_loss", metrics.model_label(model)).set(evaluation["mse"])
    value = {"model": model, "version": loaded.version.number, **evaluation, **rows.missing_values.report()}
    return ViewResult(value, ignored=rows.ignored)


@predicting.post("/models:predict")
@Endpoint(
    responses.GroupPredictResponse(),
    request_schema=group_requests.GroupPredictRequest(),
    table_schema=group_requests.GroupPredictTableQuery(),
    returns_tables=True,
    response_headers=groups.RESPONSE_HEADERS,
    counted_as="prediction",
)
def predict_groups(body: dict[str, Any]) -> ViewResult:
    """Predict y for each group of rows with the group's model. The result of a group that fails has a problem, and the
    other groups are predicted. A table has the predictions in the order of the rows, null for groups that failed."""
    rows = groups.load_rows(body)
    parts: list[tuple[RowNumbers, Columns]] = []
    ignored: list[Sequence[str]] = []

    def predict_group(model: str, numbers: Numbers) -> dict[str, Any]:
        loaded = services().predictor.model(model)
        predictions = Predictions(loaded, services().metrics)
        columns_of = _requested_columns(loaded, body)
        found = rows.features(numbers, loaded.columns)
        ignored_columns.check(found.ignored, strict=body["strict"])
        [block] = found.batches
        columns = columns_of(block.values, predictions.predict(block.values, block.row_pointer), block.row_pointer)
        predictions.count()
        parts.append((block.rows, columns))
        ignored.append(found.ignored)
        mean = {"mean_prediction": loaded.mean_prediction} if body["explain"] else {}
        values = _json_columns(loaded, columns, is_single_row=False)
        others = mean | found.missing_values.report() | ignored_columns.member(found.ignored)
        return {"version": loaded.version.number, "rows": block.rows, **values, **others}

    results = list(groups.group_results(rows, body["prefix"], predict_group))
    return groups.result_of(rows, results, ignored, _in_order_of_rows(results, parts))


def _in_order_of_rows(results: list[dict[str, Any]], parts: list[tuple[RowNumbers, Columns]]) -> Columns:
    """Return the columns of all groups, masked for groups that failed and for columns that a group's model lacks."""
    rows = np.sort(np.concatenate([result["rows"] for result in results] or [np.empty(0, np.intp)]))
    names = dict.fromkeys(["y", *(name for _, columns in parts for name in columns)])
    table = {name: np.full(len(rows), np.nan) for name in names}
    for numbers, columns in parts:
        positions = np.searchsorted(rows, numbers)
        for name, values in columns.items():
            table[name][positions] = values
    return {name: np.ma.masked_invalid(values, copy=False) for name, values in table.items()}


def _predict_batches(predictions: Predictions, rows: FeatureRows, columns_of: ColumnsOf) -> Iterator[Columns]:
    """Yield the columns of each batch of `rows`, and count all rows after the last."""
    for block in rows.batches:
        yield columns_of(block.values, predictions.predict(block.values, block.row_pointer), block.row_pointer)
    predictions.count()


def _requested_columns(loaded: LoadedModel, body: dict[str, Any]) -> ColumnsOf:
    """Return a function that computes ŷ, and the interval bounds and contributions if the request asks for them."""
    level, of_mean = body.get("interval"), body.get("interval_kind") == "confidence"
    half_width = None if level is None else loaded.half_width(level, of_mean=of_mean)

    @np.errstate(over="ignore", invalid="ignore")
    def columns_of(x: FloatArray, y: FloatArray, pointer: Pointer) -> Columns:
        columns = {"y": y}
        if half_width:
            half = half_width(x)
            check_finite(np.abs(y) + half, "an interval", pointer)
            columns |= {"lower": y - half, "upper": y + half}
        if body["explain"]:
            contributions = zip(loaded.columns.names, loaded.contributions(x).T, strict=True)
            columns |= {CONTRIBUTIONS + name: column for name, column in contributions}
        return columns

    return columns_of


def _json_columns(loaded: LoadedModel, columns: Columns, *, is_single_row: bool) -> dict[str, Any]:
    """Return `columns` for JSON, with contributions in the form of the model's rows; numbers for a single row."""
    values = {name: column[0] if is_single_row else column for name, column in columns.items()}
    contributions = [values.pop(name) for name in columns if name.startswith(CONTRIBUTIONS)]
    if not contributions:
        return values
    if is_single_row or loaded.columns.named or loaded.columns.has_number_rows:
        return values | {"contributions": loaded.columns.in_row_shape(contributions)}
    return values | {"contributions": np.column_stack(contributions)}


def _json_batch(loaded: LoadedModel, columns: Columns) -> Columns:
    """Return the columns of a batch for JSON; the members of an object stay separate columns."""
    return columns if loaded.columns.named else _json_columns(loaded, columns, is_single_row=False)


def _evaluation_batches(loaded: LoadedModel, rows: LabelledRows) -> Iterator[EvaluationBatch]:
    for batch, pointer in rows.batches:
        yield EvaluationBatch(batch.y, loaded.predict(batch.x, pointer), batch.weight)
