"""What the routes take. Data goes through vectorised fields, options through marshmallow's."""

from typing import Any, ClassVar

from marshmallow import EXCLUDE, Schema, fields, post_load, pre_load, validate

from service.api.schemas.base import Query, Request
from service.api.schemas.fields import Labels, Names, Rows, Text, Vector, Whole
from service.api.schemas.options import PredictOptions, RowOptions, TrainOptions
from service.errors import InvalidRequest
from service.formats import dataset
from service.formats.arrays import NUMBERS_OR_NULL
from service.formats.column_selection import ColumnSelection
from service.formats.missing_values import MissingValuePolicy
from service.formats.table import TableReader
from service.store.base import LAST_VERSION, NAME, NAME_RULE
from service.store.metadata import MOST_LABELS

LONGEST_KEY = 255
LONGEST_TEXT = 10_000
LONGEST_LABEL = 100

X = "The rows of x: a list of numbers (one column), a list of rows, an object of named columns, or a list of records"
Y = "What was observed: a number for each row of `x`."
WEIGHT = "A weight for each row, at least 0; null weighs all rows alike."


class ModelQuery(Query):
    """The model of a route whose path names none."""

    model = Text(
        f"The model's name: {NAME_RULE}.",
        load_default="default",
        validate=validate.Regexp(f"^(?:{NAME.pattern})$", error=f"give {NAME_RULE}"),
    )


class ModelsQuery(Query):
    """Which models to list."""

    prefix = Text("Lists only models whose names begin with this.", load_default="")
    limit = Whole("The most models to list on a page.", least=1, most=1000, load_default=100, in_query=True)
    page_token = Text("The `next_page_token` of the page before; empty for the first page.", load_default="")


class NoQuery(Query):
    """A route without a query."""


class AnyQuery(Schema):
    """A route that does not look at its query, as probes and scrapers may add one."""

    class Meta:
        unknown = EXCLUDE


class CacheHeaders(Schema):
    """Headers of a call whose answer the client may have already."""

    if_none_match = Text(
        "The ETag of the answer that you have; if it would be the same, the status is 304 and there is no body.",
        data_key="If-None-Match",
    )


class GroupTrainHeaders(Schema):
    """Headers that make trainings safe to send again, or leave out the models that are there already."""

    idempotency_key = Text(
        f"A key of your choice, 1 to {LONGEST_KEY} printable characters, that makes the training safe to send again: "
        "it counts once, and a repetition gets the first answer, with `Idempotency-Replayed: true` (in one of many "
        "models, `replayed`).",
        data_key="Idempotency-Key",
    )
    if_none_match = Text(
        "With `*`, trains only if the model does not exist yet, else answers 412.", data_key="If-None-Match"
    )


class TrainHeaders(GroupTrainHeaders):
    """Headers that make a training safe to send again, or dependent on what there is."""

    if_match = Text(
        "Trains only if the model's newest version has this ETag, else answers 412; `*` stands for any version.",
        data_key="If-Match",
    )


class LabelledRequest(RowOptions):
    """Rows of x and their y in JSON; loaded, they are `rows`."""

    x = Rows(f"{X}.", NUMBERS_OR_NULL, required=True)
    y = Vector(Y, NUMBERS_OR_NULL, required=True)
    sample_weight = Vector(WEIGHT, NUMBERS_OR_NULL, load_default=None, allow_none=True)

    @post_load
    def _join(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        parts = (data.pop(name) for name in ("x", "y", "sample_weight", "missing"))
        return data | {"rows": dataset.labelled_table(*parts)}


class Table(RowOptions, Query):
    """The query that goes with a table for a body."""

    def with_rows(self, options: dict[str, Any], source: TableReader) -> dict[str, Any]:
        """The loaded `options`, the choice of columns among them made into `rows` of `source`."""
        raise NotImplementedError


class LabelledTable(Table):
    """Which columns of a table are x, y and weights."""

    x = Names("The columns to use as x, with commas between their names; all others by default.")
    y = Text("The column that holds y; `.npy` has no names, and its last column is y.", load_default="y")
    weight = Text("The column that holds each row's weight; all rows weigh alike by default.")

    def with_rows(self, options: dict[str, Any], source: TableReader) -> dict[str, Any]:
        x, y, weight, missing = (options.pop(name, None) for name in ("x", "y", "weight", "missing"))
        return options | {"rows": dataset.labelled_rows(source, ColumnSelection(x, y, weight), missing)}


class UnlabelledTable(Table):
    """Which columns of a table are x."""

    x = Names("The columns to use as x, with commas between their names; all columns by default.")

    def with_rows(self, options: dict[str, Any], source: TableReader) -> dict[str, Any]:
        x, missing = (options.pop(name, None) for name in ("x", "missing"))
        return options | {"rows": dataset.feature_rows(source, x, missing)}


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


class PredictTable(UnlabelledTable, PredictOptions):
    """A table to predict for, and what to tell beside the predictions."""


class PredictRequest(RowOptions, PredictOptions):
    """Rows of x, and what to tell beside their predictions; loaded, with the `sieve` that has gone over them."""

    examples: ClassVar = {
        "points": {"value": {"x": [5, 6]}},
        "one point": {"value": {"x": 5}},
        "with intervals and contributions": {"value": {"x": [5, 6], "interval": 0.95, "explain": True}},
    }

    x = Rows(f"{X}; a bare number, or one object of numbers, is one row.", NUMBERS_OR_NULL, required=True)

    @post_load
    def _apply_missing(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        missing_values = MissingValuePolicy(data.pop("missing"))
        return data | {"x": missing_values.apply_to_table(data["x"]), "sieve": missing_values}


class EvaluateRequest(LabelledRequest):
    """Rows of x and the y that were observed."""

    examples: ClassVar = {"points": {"value": {"x": [5, 6], "y": [10.1, 11.8]}}}


class EvaluateTable(LabelledTable):
    """A table of rows and the y that were observed."""


class PinRequest(Request):
    """The version to pin."""

    examples: ClassVar = {"the first version": {"value": {"version": 1}}}

    version = Whole("The number of the version to serve.", least=1, most=LAST_VERSION, required=True)


class DescribeRequest(Request):
    """A description and labels; null removes one."""

    examples: ClassVar = {"a sensor": {"value": {"description": "The inlet's sensor", "labels": {"site": "north"}}}}

    description = Text(
        "What the model is for; null removes the description.",
        allow_none=True,
        validate=validate.Length(max=LONGEST_TEXT, error="has more than {max} characters"),
    )
    labels = fields.Dict(
        keys=Text(
            "A label's name.", validate=validate.Length(1, LONGEST_LABEL, error="give {min} to {max} characters")
        ),
        values=Text(
            "A label's text.",
            allow_none=True,
            validate=validate.Length(max=LONGEST_LABEL, error="has more than {max} characters"),
        ),
        validate=validate.Length(max=MOST_LABELS, error="has more than {max} labels"),
        error_messages={"invalid": "is not an object"},
        metadata={"description": "Labels to set, by name; null removes one, and labels that are not sent stay."},
    )


class Grouped(Request):
    """A request whose rows are told apart by a group: a list with one label a row, or the name of a column of x."""

    group = Labels(
        "The group of each row: a list with a label for each row, or the name of a column of `x` that holds them.",
        required=True,
    )
    prefix = Text(
        "What stands before the label in the name of a group's model.",
        load_default="",
        validate=validate.Length(max=LONGEST_LABEL, error="has more than {max} characters"),
    )

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

    x = Rows(f"{X}.", required=True)
    y = Vector(Y, required=True)
    sample_weight = Vector(WEIGHT, load_default=None, allow_none=True)


class GroupPredictRequest(Grouped):
    """Rows of x of many models."""

    examples: ClassVar = {"two sensors": {"value": {"x": [2, 2], "group": ["a", "b"], "prefix": "s-"}}}

    x = Rows(f"{X}.", required=True)
