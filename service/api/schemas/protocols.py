"""Schemas of the Open Inference Protocol and MLflow, for the OpenAPI document only: their views read and write JSON."""

from typing import Any, ClassVar

from marshmallow import Schema, fields

from service.api.schemas.response_fields import boolean, described, number_array, object_array, raw, string
from service.formats.json.open_inference import INPUT, OUTPUT, TYPES

TENSOR: dict[str, dict[str, Any]] = {
    "name": described(f"The tensor's name: `{INPUT}` for an input, `{OUTPUT}` for an output.", type="string"),
    "datatype": described("The type of its numbers.", enum=list(TYPES)),
    "shape": described("Its shape: [rows, columns], or [rows].", type="array", items={"type": "integer"}),
}
TENSOR_WITH_DATA: dict[str, dict[str, Any]] = {
    **TENSOR,
    "data": described("Its numbers, row by row; absent if they follow the JSON in binary.", type="array"),
    "parameters": described("`binary_data_size`: the number of bytes of data after the JSON.", type="object"),
}
REQUIRED = list(TENSOR)


class InferRequest(Schema):
    """An inference request of one tensor, [rows, columns]. The numbers may follow the JSON in binary."""

    examples: ClassVar = {
        "two rows": {"value": {"inputs": [{"name": "INPUT__0", "datatype": "FP64", "shape": [2, 1], "data": [5, 6]}]}}
    }

    id = string("An id of your choice, which the response repeats.")
    parameters = raw("`binary_data_output`: whether the output follows the JSON in binary.", type="object")
    inputs = object_array("The input tensor; exactly one.", REQUIRED, TENSOR_WITH_DATA, required=True)
    outputs = object_array(
        f"The requested outputs: none, or `{OUTPUT}`.",
        ["name"],
        {
            "name": TENSOR["name"],
            "parameters": described("`binary_data`: whether the output follows the JSON in binary.", type="object"),
        },
    )


class InferResponse(Schema):
    """An inference response with one tensor of predictions."""

    model_name = string("The model's name.")
    model_version = string("The version that computed the predictions.")
    id = string("The request's id, if it had one.")
    outputs = object_array("The tensor of predictions, one for each row.", REQUIRED, TENSOR_WITH_DATA)


class ServerMetadata(Schema):
    """The server and its extensions."""

    name = string("The server's name.")
    version = string("The version of the software.")
    extensions = fields.List(fields.String(), metadata=described("The protocol extensions that the server implements."))


class ServerLive(Schema):
    """The process is alive."""

    live = boolean("Always true.")


class ServerReady(Schema):
    """The server is ready."""

    ready = boolean("Always true; if the server is not ready, the status is 503.")


class ModelMetadata(Schema):
    """A model's versions and tensors."""

    name = string("The model's name.")
    versions = fields.List(fields.String(), metadata=described("The numbers of all versions, in ascending order."))
    platform = string("The format of the model.")
    inputs = object_array("The input tensor; -1 in a shape: any number of rows.", REQUIRED, TENSOR)
    outputs = object_array("The output tensor; -1 in a shape: any number of rows.", REQUIRED, TENSOR)


class ModelReady(Schema):
    """A model is ready."""

    name = string("The model's name.")
    ready = boolean("Always true; if the model is not ready, the response is an error.")


class IndexRequest(Schema):
    """A request for the index of models. Its fields have no effect."""

    examples: ClassVar[dict[str, Any]] = {"all models": {"value": {}}}

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
        "instances": {"value": {"instances": [5, 6]}},
        "dataframe_split": {"value": {"dataframe_split": {"columns": ["x"], "data": [[5], [6]]}}},
    }

    instances = raw("The rows: numbers, rows, named columns or records.")
    inputs = raw("The same as `instances`.")
    dataframe_split = raw('The rows as in pandas\' `to_dict(orient="split")`: `columns` and `data`.', type="object")
    dataframe_records = raw("The rows as a list of records.", type="array", items={"type": "object"})


class ScoringResponse(Schema):
    """An MLflow scoring response."""

    predictions = number_array("The prediction for each row.")


class ScoringError(Schema):
    """An MLflow error."""

    error_code = string("The kind of error.")
    message = string("The reason, and what to change.")
