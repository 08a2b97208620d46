"""What the routes take. Data goes through vectorised fields, options through marshmallow's."""

from typing import Any, ClassVar

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, pre_load, validate, validates_schema

from service.api.fields import Flag, FlagOrVersion, InitialLine, Labels, Names, Rate, Real, Rows, Text, Vector, Whole
from service.api.strict import Request
from service.core.descent import MOST_EPOCHS
from service.errors import InvalidRequest
from service.formats import rows
from service.formats.arrays import LARGEST, NUMBERS_OR_NULL
from service.formats.source import Source
from service.store.contract import NAME, NAME_RULE
from service.store.description import MOST_LABELS

LONGEST_TEXT = 10_000
LONGEST_LABEL = 100
SMALLEST_LEVEL = 1e-6
SMALLEST_DECAY = 1e-6


class ModelQuery(Request):
    """The model of a route whose path names none."""

    model = fields.String(
        load_default="default", validate=validate.Regexp(f"^(?:{NAME.pattern})$", error=f"Give {NAME_RULE}.")
    )


class ModelsQuery(Request):
    """Which models to list."""

    prefix = fields.String(load_default="")
    limit = Whole(least=1, most=1000, load_default=100, in_query=True)
    page_token = fields.String(load_default="")


class NoQuery(Request):
    """A route without a query."""


class AnyQuery(Schema):
    """A route that does not look at its query, as probes and scrapers may add one."""

    class Meta:
        unknown = EXCLUDE


class TrainHeaders(Schema):
    """Headers that make a training safe to send again, or dependent on what there is."""

    idempotency_key = fields.String(data_key="Idempotency-Key")
    if_match = fields.String(data_key="If-Match")
    if_none_match = fields.String(data_key="If-None-Match")


class TrainOptions(Request):
    """How to train. What is not given is a default, or inherited in an append."""

    method = fields.String(validate=validate.OneOf(["spectral", "autograd"], error="Give one of: {choices}."))
    learning_rate = Rate()
    epochs = Whole(least=0, most=MOST_EPOCHS, allow_none=True)
    seed = Whole(least=0, most=2**63 - 1, allow_none=True)
    initial = InitialLine(allow_none=True)
    standardize = Flag(allow_none=True)
    fit_intercept = Flag()
    l2 = Real(least=0, most=LARGEST)
    append = FlagOrVersion(load_default=False)
    decay = Real(least=SMALLEST_DECAY, most=1, load_default=1.0)
    dry_run = Flag(load_default=False)

    @validates_schema
    def _one_start(self, data: dict[str, Any], **kwargs: Any) -> None:
        if data.get("seed") is not None and data.get("initial") is not None:
            raise ValidationError("Give either seed or initial: both say where to start.", "seed")


class RowOptions(Request):
    """How to read rows."""

    missing = fields.String(
        load_default="refuse", validate=validate.OneOf(["refuse", "drop"], error="Give one of: {choices}.")
    )


class LabelledRequest(RowOptions):
    """Rows of x and their y in JSON; loaded, they are `rows`."""

    x = Rows(NUMBERS_OR_NULL, required=True)
    y = Vector(NUMBERS_OR_NULL, required=True)
    sample_weight = Vector(NUMBERS_OR_NULL, load_default=None, allow_none=True)

    @post_load
    def _join(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        parts = (data.pop(name) for name in ("x", "y", "sample_weight", "missing"))
        return data | {"rows": rows.of_table(*parts)}


class Table(RowOptions):
    """The query that goes with a table for a body."""

    def with_rows(self, options: dict[str, Any], source: Source) -> dict[str, Any]:
        """The loaded `options`, the choice of columns among them made into `rows` of `source`."""
        raise NotImplementedError


class LabelledTable(Table):
    """Which columns of a table are x, y and weights."""

    x = Names(load_default=None)
    y = fields.String(load_default="y")
    weight = fields.String(load_default=None)

    def with_rows(self, options: dict[str, Any], source: Source) -> dict[str, Any]:
        x, y, weight, missing = (options.pop(name) for name in ("x", "y", "weight", "missing"))
        return options | {"rows": rows.labelled(source, rows.Choice(x, y, weight), missing)}


class UnlabelledTable(Table):
    """Which columns of a table are x."""

    x = Names(load_default=None)

    def with_rows(self, options: dict[str, Any], source: Source) -> dict[str, Any]:
        x, missing = (options.pop(name) for name in ("x", "missing"))
        return options | {"rows": rows.unlabelled(source, x, missing)}


class TrainTable(LabelledTable, TrainOptions):
    """A table to train on, and how to."""


class TrainRequest(LabelledRequest, TrainOptions):
    """Rows of x, their y, and how to train."""

    examples: ClassVar = {
        "points": {"value": {"x": [1, 2, 3, 4], "y": [2.1, 3.9, 6.2, 7.8]}},
        "the tutorial's way": {
            "value": {"x": [3.3, 4.4, 5.5], "y": [1.7, 2.76, 2.09], "learning_rate": 0.01, "epochs": 11, "seed": 20}
        },
        "named columns": {"value": {"x": {"area": [50, 80, 120], "rooms": [2, 3, 3]}, "y": [200, 310, 420], "l2": 0.1}},
    }


class PredictOptions(Request):
    """What to tell beside predictions."""

    interval = Real(least=SMALLEST_LEVEL, most=1 - SMALLEST_LEVEL, load_default=None, allow_none=True)
    interval_kind = fields.String(
        load_default="prediction",
        validate=validate.OneOf(["prediction", "confidence"], error="Give one of: {choices}."),
    )
    explain = Flag(load_default=False)


class PredictTable(UnlabelledTable, PredictOptions):
    """A table to predict for, and what to tell beside the predictions."""


class PredictRequest(RowOptions, PredictOptions):
    """Rows of x, and what to tell beside their predictions; loaded, with the `sieve` that has gone over them."""

    examples: ClassVar = {
        "points": {"value": {"x": [5, 6]}},
        "one point": {"value": {"x": 5}},
        "with intervals and contributions": {"value": {"x": [5, 6], "interval": 0.95, "explain": True}},
    }

    x = Rows(NUMBERS_OR_NULL, required=True)

    @post_load
    def _sift(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        sieve = rows.Sieve(data.pop("missing"))
        return data | {"x": sieve.sift_table(data["x"]), "sieve": sieve}


class EvaluateRequest(LabelledRequest):
    """Rows of x and the y that were observed."""

    examples: ClassVar = {"points": {"value": {"x": [5, 6], "y": [10.1, 11.8]}}}


class EvaluateTable(LabelledTable):
    """A table of rows and the y that were observed."""


class PinRequest(Request):
    """The version to pin."""

    examples: ClassVar = {"the first version": {"value": {"version": 1}}}

    version = Whole(least=1, most=2**63 - 1, required=True)


class DescribeRequest(Request):
    """A description and labels; null removes one."""

    examples: ClassVar = {"a sensor": {"value": {"description": "The inlet's sensor", "labels": {"site": "north"}}}}

    description = Text(allow_none=True, validate=validate.Length(max=LONGEST_TEXT))
    labels = fields.Dict(
        keys=Text(validate=validate.Length(1, LONGEST_LABEL)),
        values=Text(allow_none=True, validate=validate.Length(max=LONGEST_LABEL)),
        validate=validate.Length(max=MOST_LABELS),
        error_messages={"invalid": "Give an object of texts."},
    )


class Grouped(Request):
    """A request whose rows are told apart by a group: a list with one label a row, or the name of a column of x."""

    group = Labels(required=True)
    prefix = fields.String(load_default="", validate=validate.Length(max=LONGEST_LABEL))

    @pre_load
    def _take_column(self, data: Any, **kwargs: Any) -> Any:
        """A group that names a column of x is that column, and x is the others."""
        if not isinstance(data, dict) or not isinstance(data.get("group"), str):
            return data
        name, x = data["group"], data.get("x")
        if isinstance(x, dict) and name in x:
            return data | {"group": x[name], "x": {column: values for column, values in x.items() if column != name}}
        if isinstance(x, list) and x and all(isinstance(row, dict) and name in row for row in x):
            rest = [{column: value for column, value in row.items() if column != name} for row in x]
            return data | {"group": [row[name] for row in x], "x": rest}
        raise InvalidRequest.at(
            "/group", f"names no column {name!r} of x; give one, or a list with a label for each row"
        )


class GroupTrainRequest(TrainOptions, Grouped):
    """Rows of x of many models, their y, and how to train each."""

    examples: ClassVar = {
        "two sensors": {"value": {"x": [0, 1, 0, 1], "y": [0, 1, 5, 7], "group": ["a", "a", "b", "b"], "prefix": "s-"}}
    }

    x = Rows(required=True)
    y = Vector(required=True)
    sample_weight = Vector(load_default=None, allow_none=True)


class GroupPredictRequest(Grouped):
    """Rows of x of many models."""

    examples: ClassVar = {"two sensors": {"value": {"x": [2, 2], "group": ["a", "b"], "prefix": "s-"}}}

    x = Rows(required=True)


class InferRequest(Schema):
    """The Open Inference Protocol's request: one tensor of [rows, columns]. Numbers may follow the JSON in binary."""

    examples: ClassVar = {
        "two rows": {
            "value": {"inputs": [{"name": "INPUT__0", "datatype": "FP64", "shape": [2, 1], "data": [5, 6]}]},
        }
    }

    inputs = fields.Raw(required=True, metadata={"type": "array", "items": {"type": "object"}})


class ScoringRequest(Schema):
    """MLflow's request: rows under one of its four names."""

    examples: ClassVar = {
        "instances": {"value": {"instances": [5, 6]}},
        "dataframe_split": {"value": {"dataframe_split": {"columns": ["x"], "data": [[5], [6]]}}},
    }

    instances = fields.Raw()
    inputs = fields.Raw()
    dataframe_split = fields.Raw(metadata={"type": "object"})
    dataframe_records = fields.Raw(metadata={"type": "array", "items": {"type": "object"}})


class IndexRequest(Schema):
    """The Open Inference Protocol's request for the index; what it may hold chooses nothing here."""

    examples: ClassVar[dict[str, Any]] = {"all models": {"value": {}}}
