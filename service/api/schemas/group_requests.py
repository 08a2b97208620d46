"""Schemas of requests for several models: each row has the label of its group."""

from functools import partial
from typing import Any, ClassVar

from marshmallow import post_load, pre_load

from service.api.schemas.fields import GroupLabels, Rows, Text, Vector
from service.api.schemas.options import MatchOptions, PredictOptions, RowOptions, TrainOptions
from service.api.schemas.requests import (
    LONGEST_LABEL,
    WEIGHT,
    PredictTableQuery,
    TableQuery,
    TrainTableQuery,
    X,
    Y,
    max_length,
)
from service.errors import InvalidRequest, quoted
from service.formats.arrays import NUMBERS_OR_NULL
from service.formats.column_selection import ColumnSelection
from service.formats.grouped_rows import JsonGroups, TableRows
from service.formats.json.rows import Chosen


def _prefix() -> Text:
    description = "The model of a group is named `prefix` + label."
    return Text(description, load_default="", validate=max_length(LONGEST_LABEL))


class GroupRequest(RowOptions):
    """Rows of several models with their labels in JSON, loaded as `rows`: a function of their bounds."""

    group = GroupLabels(
        "The group of each row: a list with a label for each row, or the name of a column of `x` that holds them.",
        required=True,
    )
    prefix = _prefix()
    x = Rows(f"{X}.", NUMBERS_OR_NULL, required=True)

    @pre_load
    def _extract_column(self, data: Any, **kwargs: Any) -> Any:
        """Replace a column name in `group` with that column, and remove the column from x."""
        if not isinstance(data, dict) or not isinstance(data.get("group"), str):
            return data
        sent = data.get("x")
        chosen = sent if isinstance(sent, Chosen) else Chosen(sent, None)
        name, x = data["group"], chosen.value
        if isinstance(x, dict) and name in x:
            columns = {column: values for column, values in x.items() if column != name}
            return data | {"group": x[name], "x": chosen._replace(value=columns)}
        if isinstance(x, list) and all(isinstance(row, dict) for row in x) and any(name in row for row in x):
            rest = [{column: value for column, value in row.items() if column != name} for row in x]
            return data | {"group": [row.get(name) for row in x], "x": chosen._replace(value=rest)}
        detail = f"{quoted(name)} is not a column of x; give one, or a list with a label for each row"
        raise InvalidRequest.at("/group", detail)

    @post_load
    def _load_rows(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        x, group, missing = (data.pop(name) for name in ("x", "group", "missing"))
        vectors: dict[str, Any] = {name: data.pop(name) for name in ("y", "sample_weight") if name in data}
        return data | {"rows": partial(JsonGroups, x, group, vectors, missing)}


class GroupTrainRequest(TrainOptions, GroupRequest):
    """Rows of x and y of several models, and the options of each training."""

    examples: ClassVar = {
        "two sensors": {"x": [0, 1, 0, 1], "y": [0, 1, 5, 7], "group": ["a", "a", "b", "b"], "prefix": "s-"}
    }

    y = Vector(Y, NUMBERS_OR_NULL, required=True)
    sample_weight = Vector(WEIGHT, NUMBERS_OR_NULL)


class GroupPredictRequest(MatchOptions, PredictOptions, GroupRequest):
    """Rows of x of several models, and the options of each prediction."""

    examples: ClassVar = {"two sensors": {"x": [2, 2], "group": ["a", "b"], "prefix": "s-"}}


class GroupTableQuery(TableQuery):
    """The column of labels in a table, and the prefix."""

    rereads = True
    group = Text("The column of labels, which are texts or whole numbers.", load_default="group")
    prefix = _prefix()

    def with_rows(self, options: dict[str, Any], source: Any) -> dict[str, Any]:
        """Return the loaded `options` with the `rows` of a table, which `source` opens: a function of their bounds."""
        has_y = "y" in self.fields
        names = {name: options.pop(name) for name in ("x", "y", "weight") if name in options}
        group, missing = options.pop("group"), options.pop("missing")
        rows = partial(TableRows, source, group, ColumnSelection(**names), missing, has_y=has_y)
        return options | {"rows": rows}


class GroupTrainTableQuery(GroupTableQuery, TrainTableQuery):
    """The columns of a table to train on by group, and the options."""


class GroupPredictTableQuery(GroupTableQuery, PredictTableQuery):
    """The columns of a table to predict from by group, and the options."""
