"""What other servers' protocols send and are answered, for the document: their views read and write it themselves."""

from typing import Any, ClassVar

from marshmallow import Schema, fields

from service.api.schemas.response_fields import about, flag, numbers, objects, text
from service.formats.json.open_inference import INPUT, OUTPUT, TYPES

TENSOR: dict[str, dict[str, Any]] = {
    "name": about(f"The tensor's name: `{INPUT}` of an input, `{OUTPUT}` of an output.", type="string"),
    "datatype": about("The type of its numbers.", enum=list(TYPES)),
    "shape": about("Its size: [rows, columns], or [rows].", type="array", items={"type": "integer"}),
}
WITH_DATA: dict[str, dict[str, Any]] = {
    **TENSOR,
    "data": about("Its numbers, row by row; absent if they follow the JSON in binary.", type="array"),
    "parameters": about("`binary_data_size`: how many bytes of numbers follow the JSON.", type="object"),
}
REQUIRED = list(TENSOR)


class InferRequest(Schema):
    """The Open Inference Protocol's request: one tensor of [rows, columns]. Numbers may follow the JSON in binary."""

    examples: ClassVar = {
        "two rows": {
            "value": {"inputs": [{"name": "INPUT__0", "datatype": "FP64", "shape": [2, 1], "data": [5, 6]}]},
        }
    }

    id = text("An id of your choice, which comes back in the answer.")
    parameters = fields.Raw(
        metadata=about("`binary_data_output`: whether the output's numbers follow the JSON in binary.", type="object")
    )
    inputs = objects("The input tensor; there is exactly one.", REQUIRED, WITH_DATA, required=True)
    outputs = objects(
        "The outputs wanted: none, or the only one there is.",
        ["name"],
        {
            "name": TENSOR["name"],
            "parameters": about("`binary_data`: whether its numbers follow the JSON in binary.", type="object"),
        },
    )


class InferAnswer(Schema):
    """The Open Inference Protocol's answer: one tensor of predictions."""

    model_name = text("The model's name.")
    model_version = text("The number of the version that answers.")
    id = text("The request's id, if it had one.")
    outputs = objects("The tensor of predictions, one for each row.", REQUIRED, WITH_DATA)


class ServerMetadata(Schema):
    """What the server is."""

    name = text("The server's name.")
    version = text("The release.")
    extensions = fields.List(fields.String(), metadata=about("The protocol's extensions that the server has."))


class ServerLive(Schema):
    """The server is alive."""

    live = flag("Always true.")


class ServerReady(Schema):
    """The server is ready."""

    ready = flag("Always true; a server that is not ready answers 503.")


class ModelMetadata(Schema):
    """A model's versions and tensors."""

    name = text("The model's name.")
    versions = fields.List(fields.String(), metadata=about("The numbers of all its versions, in ascending order."))
    platform = text("What runs the model.")
    inputs = objects("The tensor that it takes; -1 in a shape stands for any number of rows.", REQUIRED, TENSOR)
    outputs = objects("The tensor that it answers; -1 in a shape stands for any number of rows.", REQUIRED, TENSOR)


class ModelReady(Schema):
    """A model is ready."""

    name = text("The model's name.")
    ready = flag("Always true; a model that cannot answer gets an error.")


class IndexRequest(Schema):
    """The Open Inference Protocol's request for the index; what it may hold chooses nothing here."""

    examples: ClassVar[dict[str, Any]] = {"all models": {"value": {}}}

    ready = flag("Whether to list only models that are ready; has no effect here.")


class IndexEntry(Schema):
    """A model in the index."""

    name = text("The model's name.")
    version = text("The number of the version that serves; empty if none can.")
    state = text("`READY` or `UNAVAILABLE`.")
    reason = text("Why the model is unavailable; empty if it is ready.")


class InferenceError(Schema):
    """The Open Inference Protocol's error."""

    error = text("What went wrong, and what to change.")


class ScoringRequest(Schema):
    """MLflow's request: rows under one of its four names."""

    examples: ClassVar = {
        "instances": {"value": {"instances": [5, 6]}},
        "dataframe_split": {"value": {"dataframe_split": {"columns": ["x"], "data": [[5], [6]]}}},
    }

    instances = fields.Raw(metadata=about("The rows: numbers, rows, named columns or records."))
    inputs = fields.Raw(metadata=about("The same as `instances`."))
    dataframe_split = fields.Raw(
        metadata=about(
            'The rows as pandas gives them with `orient="split"`: the names in `columns`, and the rows in `data`.',
            type="object",
        )
    )
    dataframe_records = fields.Raw(
        metadata=about("The rows as a list of records.", type="array", items={"type": "object"})
    )


class ScoringAnswer(Schema):
    """MLflow's answer."""

    predictions = numbers("The prediction for each row.")


class ScoringError(Schema):
    """MLflow's error."""

    error_code = text("The kind of error.")
    message = text("What went wrong, and what to change.")
