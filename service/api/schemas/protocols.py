"""Schemas of the Open Inference Protocol and MLflow, for the OpenAPI document only: their views read and write JSON."""

from typing import Any, ClassVar

from marshmallow import Schema

from service.api.schemas.response_fields import ObjectArray, array, boolean, raw, string
from service.formats.json.open_inference import INPUT, OUTPUT, TYPES


class TensorName(Schema):
    """A tensor by name."""

    name = string(f"`{INPUT}` for rows, a column's name for one column, `{OUTPUT}` for the output.", required=True)


class RequestedOutput(TensorName):
    """A tensor that the response is to contain."""

    parameters = raw("`binary_data`: whether the output follows the JSON in binary.", type="object")


class Tensor(TensorName):
    """A tensor without its data."""

    datatype = raw("The type of its numbers.", enum=list(TYPES), required=True)
    shape = array("Its shape: [rows, columns], or [rows].", "integer", required=True)


class InputMetadata(Tensor):
    """The input tensor of a model."""

    parameters = raw("`columns`: the names of the columns, in order.", type="object")


class TensorWithData(Tensor):
    """A tensor, whose data may follow the JSON."""

    data = raw(
        "Its numbers, row by row; absent if they follow the JSON in binary.",
        type="array",
        items={"type": ["number", "boolean"]},
    )
    parameters = raw("`binary_data_size`: the number of bytes of data after the JSON.", type="object")


class InferRequest(Schema):
    """An inference request: one tensor of rows, or one for each column. The numbers may follow the JSON in binary."""

    examples: ClassVar = {
        "two rows": {"inputs": [{"name": INPUT, "datatype": "FP64", "shape": [2, 1], "data": [5, 6]}]}
    }

    id = string("An id of your choice, which the response repeats.")
    parameters = raw("`binary_data_output`: whether the output follows the JSON in binary.", type="object")
    inputs = ObjectArray(
        TensorWithData,
        f"One tensor `{INPUT}`, [rows, columns], or a tensor for each column by its name, [rows] or [rows, 1].",
        required=True,
    )
    outputs = ObjectArray(RequestedOutput, f"The requested outputs: none, or `{OUTPUT}`.")


class InferResponse(Schema):
    """An inference response with one tensor of predictions."""

    model_name = string("The model's name.")
    model_version = string("The version that computed the predictions.")
    id = string("The request's id, if it had one.")
    outputs = ObjectArray(TensorWithData, "The tensor of predictions, one for each row.")


class ServerMetadata(Schema):
    """The server and its extensions."""

    name = string("The server's name.")
    version = string("The version of the software.")
    extensions = array("The protocol extensions that the server implements.", "string")


class ServerLive(Schema):
    """The process is alive."""

    live = boolean("Always true.")


class ServerReady(Schema):
    """The server is ready."""

    ready = boolean("Always true; if the server is not ready, the status is 503.")


class ModelMetadata(Schema):
    """A model's versions and tensors."""

    name = string("The model's name.")
    versions = array("The numbers of all versions, in ascending order.", "string")
    platform = string("The format of the model.")
    inputs = ObjectArray(InputMetadata, "The input tensor; -1 in a shape: any number of rows.")
    outputs = ObjectArray(Tensor, "The output tensor; -1 in a shape: any number of rows.")


class ModelReady(Schema):
    """A model is ready."""

    name = string("The model's name.")
    ready = boolean("Always true; if the model is not ready, the response is an error.")


class IndexRequest(Schema):
    """A request for the index of models. Its fields have no effect."""

    examples: ClassVar[dict[str, Any]] = {"all models": {}}

    ready = boolean("Whether to list only models that are ready; has no effect.")


class IndexEntry(Schema):
    """A model in the index."""

    name = string("The model's name.")
    version = string("The version that serves; empty if the model is unavailable.")
    state = string("`READY` or `UNAVAILABLE`.")
    reason = string("Why the model is unavailable; empty if it is ready.")


class InferenceError(Schema):
    """An error of the Open Inference Protocol."""

    error = string("The reason, and what to change.")


class ScoringRequest(Schema):
    """An MLflow scoring request: rows in exactly one of four fields."""

    examples: ClassVar = {
        "instances": {"instances": [5, 6]},
        "dataframe_split": {"dataframe_split": {"columns": ["x"], "data": [[5], [6]]}},
    }

    instances = raw("The rows: numbers, rows, named columns or records.")
    inputs = raw("The same as `instances`.")
    dataframe_split = raw('The rows as in pandas\' `to_dict(orient="split")`: `columns` and `data`.', type="object")
    dataframe_records = array("The rows as a list of records.", "object")


class ScoringResponse(Schema):
    """An MLflow scoring response."""

    predictions = array("The prediction for each row.", "number")


class ScoringError(Schema):
    """An MLflow error."""

    error_code = string("The kind of error.")
    message = string("The reason, and what to change.")
