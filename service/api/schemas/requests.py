"""Schemas of request bodies, and of the queries that accompany a table. Rows use vectorised fields."""

from functools import partial
from typing import Any, ClassVar

from marshmallow import fields, post_load, pre_load, validate

from service.api.schemas.base import QuerySchema, RequestSchema
from service.api.schemas.fields import ColumnNames, Integer, Rows, Text, Vector
from service.api.schemas.options import CsvOptions, MatchOptions, PredictOptions, RowOptions, TrainOptions
from service.errors import InvalidRequest, MalformedBody
from service.formats import dataset, json
from service.formats.arrays import NUMBERS_OR_NULL
from service.formats.column_selection import ColumnSelection
from service.formats.json.rows import Chosen
from service.formats.table import TableReader
from service.store.base import MAX_VERSION
from service.store.metadata import MAX_LABELS

LONGEST_TEXT = 10_000
LONGEST_LABEL = 100
LABEL_NAME = validate.Length(1, LONGEST_LABEL, error="is not a label name; give {min} to {max} characters")

TABLE_COLUMNS = ("y", "weight")
"""The parameters of a query that choose columns of a table."""
X = "The rows of x: a list of numbers (one column), a list of rows, an object of named columns, or a list of records"
Y = "The observed value for each row of `x`."
ELEVEN_STEPS = {"x": [3.3, 4.4, 5.5], "y": [1.7, 2.76, 2.09], "learning_rate": 0.01, "epochs": 11, "seed": 20}
WEIGHT = "A weight for each row, at least 0; by default all are equal."


class LabelledRequest(RowOptions):
    """Rows of x and y in JSON, loaded as `rows`: a function of the columns of the model, if it is known."""

    x = Rows(f"{X}.", NUMBERS_OR_NULL, required=True)
    y = Vector(Y, NUMBERS_OR_NULL, required=True)
    sample_weight = Vector(WEIGHT, NUMBERS_OR_NULL)

    @post_load
    def _load_rows(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        columns = (data.pop(name, None) for name in ("x", "y", "sample_weight", "missing"))
        return data | {"rows": partial(dataset.labelled_json, *columns)}


class TableQuery(RowOptions, CsvOptions, QuerySchema):
    """The query that accompanies a table. The values of all fields but strings are JSON.

    rereads: whether the table is read several times, so that its body has to be held in memory.
    """

    rereads: ClassVar = False

    @pre_load
    def _decode_values(self, data: dict[str, str], **kwargs: Any) -> dict[str, Any]:
        return {name: _decode(text, self.fields.get(name)) for name, text in data.items()}

    def add_options(self, query: dict[str, str], body: Any) -> Any:
        """Return a JSON `body` with the options of its query.

        Raises InvalidRequest for an option with another value in the body, and for the choice of a table's columns.
        """
        if not isinstance(body, dict):
            return body
        options = {name: value for name, value in self._decode_values(query).items() if value is not None}
        if "x" in options and "x" in body:
            body = body | {"x": Chosen(body["x"], self.load({"x": options.pop("x")}, partial=True)["x"])}
        for name, value in options.items():
            sent = body.get(name)
            if name in TABLE_COLUMNS:
                raise InvalidRequest.at(f"/{name}", "chooses columns of a table; leave it out for a JSON body")
            if name in CsvOptions._declared_fields:
                raise InvalidRequest.at(f"/{name}", "applies to CSV; leave it out for a JSON body")
            if sent is not None and (type(sent) is bool, sent) != (type(value) is bool, value):
                found, other = (json.encode(each).decode() for each in (value, sent))
                detail = f"is {found} in the query, but {other} in the body; give it in one place"
                raise InvalidRequest.at(f"/{name}", detail)
        return options | {name: value for name, value in body.items() if value is not None or name not in options}


def _decode(text: str, field: fields.Field[Any] | None) -> Any:
    if field is None or isinstance(field, fields.String | ColumnNames):
        return text
    try:
        return json.decode(text.encode("utf-8", "replace"))
    except MalformedBody:
        return text


class LabelledTableQuery(TableQuery):
    """The columns of a table that are x, y and weights."""

    x = ColumnNames("The columns of x, separated by commas; default: all others.")
    y = Text("The column of y. `.npy` has no column names; its last column is y.", load_default="y")
    weight = Text("The column of the row weights; default: equal weights.")

    def with_rows(self, options: dict[str, Any], source: TableReader) -> dict[str, Any]:
        """Return the loaded `options` with the `rows` of `source` instead of the choice of columns."""
        x, y, weight, missing = (options.pop(name, None) for name in ("x", "y", "weight", "missing"))
        return options | {"rows": partial(dataset.labelled_rows, source, ColumnSelection(x, y, weight), missing)}


class TrainTableQuery(LabelledTableQuery, TrainOptions):
    """The columns of a table to train on, and the options."""


class TrainRequest(LabelledRequest, TrainOptions):
    """Rows of x and y to train on, and the options."""

    examples: ClassVar = {
        "points": {"x": [1, 2, 3, 4], "y": [2.1, 3.9, 6.2, 7.8]},
        "11 steps from a seed": ELEVEN_STEPS,
        "named columns": {"x": {"area": [50, 80, 120], "rooms": [2, 3, 3]}, "y": [200, 310, 420], "l2": 0.1},
    }


class PredictTableQuery(TableQuery, MatchOptions, PredictOptions):
    """The columns of a table to predict from, and the options."""

    x = ColumnNames("The columns of x, separated by commas; default: all columns.")

    def with_rows(self, options: dict[str, Any], source: TableReader) -> dict[str, Any]:
        """Return the loaded `options` with the `rows` of `source` instead of the choice of columns."""
        x, missing = (options.pop(name, None) for name in ("x", "missing"))
        return options | {"rows": partial(dataset.feature_rows, source, x, missing)}


class PredictRequest(RowOptions, MatchOptions, PredictOptions):
    """Rows of x to predict from, loaded as `rows`: a function of the columns of the model; and the options."""

    examples: ClassVar = {
        "points": {"x": [5, 6]},
        "one point": {"x": 5},
        "with intervals and contributions": {"x": [5, 6], "interval": 0.95, "explain": True},
    }

    x = Rows(f"{X}; a number or an object of numbers is a single row.", NUMBERS_OR_NULL, required=True)

    @post_load
    def _load_rows(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return data | {"rows": partial(dataset.feature_json, data.pop("x"), data.pop("missing"))}


class EvaluateTableQuery(LabelledTableQuery, MatchOptions):
    """The columns of a table to evaluate with, and the options."""


class EvaluateRequest(LabelledRequest, MatchOptions):
    """Rows of x and observed y."""

    examples: ClassVar = {"points": {"x": [5, 6], "y": [10.1, 11.8]}}


class PinRequest(RequestSchema):
    """The version to pin."""

    examples: ClassVar = {"the first version": {"version": 1}}

    version = Integer("The number of the version to serve.", bounds=(1, MAX_VERSION), required=True)


def max_length(maximum: int) -> validate.Length:
    return validate.Length(max=maximum, error="has more than {max} characters; shorten it")


class UpdateModelRequest(RequestSchema):
    """A description and labels; null removes one."""

    null_is_absent = False
    examples: ClassVar = {"a sensor": {"description": "The inlet's sensor", "labels": {"site": "north"}}}

    description = Text(
        "The purpose of the model; null removes the description.", allow_none=True, validate=max_length(LONGEST_TEXT)
    )
    labels = fields.Dict(
        keys=Text("The name of a label.", validate=LABEL_NAME),
        values=Text("The text of a label.", allow_none=True, validate=max_length(LONGEST_LABEL)),
        validate=validate.Length(max=MAX_LABELS, error="has more than {max} labels; remove some with null"),
        error_messages={"invalid": 'is not an object; give one such as {{"site": "north"}}'},
        metadata={"description": "Labels to set, by name; null removes one. Omitted labels do not change."},
    )
