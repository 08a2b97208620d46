"""marshmallow fields that say what they mean, also for what its own are too slow or too lenient for."""

import csv
import re
import sys
from collections.abc import Sequence
from typing import Any, Literal, TypeVar

import marshmallow
from marshmallow import fields, validate

from service.artifact.columns import RowShape
from service.core.blocks import FloatArray
from service.errors import InvalidRequest
from service.formats import arrays
from service.store.base import LAST_VERSION
from service.training.fit import Start


def _number(kinds: arrays.Types) -> dict[str, Any]:
    return {"type": ["number", "null"] if kinds == arrays.NUMBERS_OR_NULL else "number"}


Value = TypeVar("Value")


class Described(fields.Field[Value]):
    """A field that says what it is `about`, and in JSON Schema's words what it takes.

    default: what holds for a field that is not given, where that is not filled in when it is loaded.
    """

    def __init__(self, about: str, *, takes: dict[str, Any], default: Any = marshmallow.missing, **kwargs: Any) -> None:
        defaults = {} if default is marshmallow.missing else {"default": default}
        super().__init__(metadata={"description": about, **takes, **defaults}, **kwargs)


class Text(Described[str], fields.String):
    """A text; neither a number nor a boolean."""

    def __init__(self, about: str, **kwargs: Any) -> None:
        super().__init__(about, takes={}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise marshmallow.ValidationError("is not text")
        return value


class Choice(Text):
    """One of a few words."""

    def __init__(self, about: str, choices: Sequence[str], **kwargs: Any) -> None:
        super().__init__(about, validate=validate.OneOf(choices, error="give one of {choices}"), **kwargs)


class Rows(Described[arrays.Table]):
    """Rows of x in any of their four forms, as a Table. A row given bare cannot miss a value: it would be no row."""

    def __init__(self, about: str, kinds: arrays.Types = arrays.NUMBERS, **kwargs: Any) -> None:
        number = _number(kinds)
        numbers = {"type": "array", "items": number, "minItems": 1}
        rows = {"type": "array", "items": numbers, "minItems": 1}
        columns = {"type": "object", "additionalProperties": numbers, "minProperties": 1}
        record = {"type": "object", "additionalProperties": number, "minProperties": 1}
        records = {"type": "array", "items": record, "minItems": 1}
        bare = {"type": "number"}
        row = record | {"additionalProperties": bare}
        forms = [numbers, rows, columns, records, row, bare]
        super().__init__(about, takes={"anyOf": forms}, **kwargs)
        self.kinds = kinds

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> arrays.Table:
        return arrays.table(value, f"/{attr}", self.kinds)


class Vector(Described[Any]):
    """A list of numbers, as a float64 array; on the way out an array, or a number, as it is."""

    def __init__(self, about: str, kinds: arrays.Types = arrays.NUMBERS, **kwargs: Any) -> None:
        super().__init__(about, takes={"type": "array", "items": _number(kinds), "minItems": 1}, **kwargs)
        self.kinds = kinds

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> FloatArray:
        return arrays.list_vector(value, f"/{attr}", self.kinds)


class Names(Described[tuple[str, ...]]):
    """Names of columns with commas between, as in a query; one with a comma or a quote stands in quotes, as in CSV."""

    def __init__(self, about: str, **kwargs: Any) -> None:
        super().__init__(about, takes={"type": "string"}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[str, ...]:
        try:
            return tuple(next(csv.reader([value]), [""]))
        except csv.Error:
            raise marshmallow.ValidationError("give names of columns with commas between") from None


class InitialLine(Described[Start]):
    """{"w": a number, a list or an object by column, "b": a number}."""

    def __init__(self, about: str, **kwargs: Any) -> None:
        properties = {
            "w": {"description": "The slopes: a number, a list, or an object by column name."},
            "b": {"type": "number", "description": "The intercept.", "default": 0},
        }
        super().__init__(about, takes={"type": "object", "properties": properties}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Start:
        if not isinstance(value, dict) or "w" not in value or not set(value) <= {"w", "b"}:
            raise marshmallow.ValidationError('give an object such as {"w": 0.5, "b": 1}')
        w = arrays.table(value["w"], f"/{attr}/w")
        b = arrays.vector([value.get("b", 0)], lambda _: f"/{attr}/b")
        if w.row_shape is RowShape.LIST or (w.row_shape is RowShape.OBJECT and not w.is_single_row):
            raise InvalidRequest.at(f"/{attr}/w", "holds lists; give one number for each column")
        return Start(w.values.ravel(), w.names, float(b[0]))


class Rate(Described[Any]):
    """A positive number, or "auto"."""

    def __init__(self, about: str, **kwargs: Any) -> None:
        number = {"type": "number", "exclusiveMinimum": 0}
        super().__init__(about, takes={"anyOf": [number, {"const": "auto"}]}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> float | Literal["auto"]:
        if value == "auto":
            return "auto"
        if type(value) not in (int, float) or not 0 < value <= sys.float_info.max:
            raise marshmallow.ValidationError('give a positive number, or "auto"')
        return float(value)


class Real(Described[float]):
    """A number from `least` to `most`; neither a boolean nor a text."""

    def __init__(self, about: str, *, least: float, most: float, **kwargs: Any) -> None:
        super().__init__(about, takes={"type": "number", "minimum": least, "maximum": most}, **kwargs)
        self.least, self.most = least, most

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> float:
        if type(value) not in (int, float) or not self.least <= value <= self.most:
            raise marshmallow.ValidationError(f"give a number from {self.least:g} to {self.most:g}")
        return float(value)


class Whole(Described[int]):
    """A whole number from `least` to `most`; 3.0 is one, true and "3" are not. In a query, digits."""

    def __init__(self, about: str, *, least: int, most: int, in_query: bool = False, **kwargs: Any) -> None:
        super().__init__(about, takes={"type": "integer", "minimum": least, "maximum": most}, **kwargs)
        self.least, self.most, self.in_query = least, most, in_query

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if self.in_query and re.fullmatch("[0-9]{1,16}", value):
            value = int(value)
        if not _is_whole(value, self.least, self.most):
            raise marshmallow.ValidationError(f"give a whole number from {self.least} to {self.most}")
        return int(value)


def _is_whole(value: Any, least: int, most: int) -> bool:
    return type(value) in (int, float) and value == value // 1 and least <= value <= most


class Flag(Described[bool]):
    """true or false."""

    def __init__(self, about: str, **kwargs: Any) -> None:
        super().__init__(about, takes={"type": "boolean"}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if type(value) is not bool:
            raise marshmallow.ValidationError("give true or false")
        return value


class FlagOrVersion(Described[Any]):
    """true, false, or a version's number."""

    def __init__(self, about: str, **kwargs: Any) -> None:
        number = {"type": "integer", "minimum": 1, "maximum": LAST_VERSION}
        super().__init__(about, takes={"anyOf": [{"type": "boolean"}, number]}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool | int:
        if type(value) is bool:
            return value
        if _is_whole(value, 1, LAST_VERSION):
            return int(value)
        raise marshmallow.ValidationError("give true, false, or the number of a version")


class Labels(Described[list[str]]):
    """A label, a text or a whole number, for each row."""

    def __init__(self, about: str, **kwargs: Any) -> None:
        labels = {"type": "array", "items": {"type": ["string", "integer"]}, "minItems": 1}
        super().__init__(about, takes={"anyOf": [labels, {"type": "string"}]}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[str]:
        if not isinstance(value, list) or not value or not set(map(type, value)) <= {str, int}:
            raise marshmallow.ValidationError("give a text or a whole number for each row")
        return list(map(str, value))
