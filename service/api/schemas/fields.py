"""marshmallow fields with a description and JSON Schema, stricter and faster than marshmallow's own."""

import csv
import json
import re
import sys
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, TypeVar

import marshmallow
from marshmallow import fields, validate

from service.artifact.columns import RowShape
from service.core.blocks import FloatArray
from service.errors import InvalidRequest, quoted
from service.formats import arrays
from service.formats.json.rows import Chosen, JsonRows
from service.store.base import MAX_VERSION
from service.training.options import Start

Value = TypeVar("Value")


def _number(kinds: arrays.Types) -> dict[str, Any]:
    return {"type": ["number", "boolean", *(["null"] if kinds == arrays.NUMBERS_OR_NULL else [])]}


def _array(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": 1}


def _object(values: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": values, "minProperties": 1}


class DocumentedField(fields.Field[Value]):
    """A field with a description and a JSON Schema, by default that of its class."""

    json_schema: ClassVar[dict[str, Any]] = {}

    def __init__(self, description: str, schema: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(metadata={"description": description, **(schema or self.json_schema)}, **kwargs)


class Text(DocumentedField[str], fields.String):
    """A string; numbers and booleans are rejected."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise _invalid(value, "a string")
        return value


class Choice(Text):
    """One of a fixed set of strings."""

    def __init__(self, description: str, choices: Sequence[str], **kwargs: Any) -> None:
        error = "is {input!r}; give one of {choices}"
        super().__init__(description, validate=validate.OneOf(choices, error=error), **kwargs)


class Separator(Text):
    """One character that is not part of a number; `tab` is a tab."""

    def __init__(self, description: str, *, ascii_only: bool = False, **kwargs: Any) -> None:
        super().__init__(description, **kwargs)
        self.ascii_only = ascii_only

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = "\t" if value == "tab" else super()._deserialize(value, attr, data, **kwargs)
        if len(text) != 1 or text.isalnum() or text in '"+-\r\n\0' or (self.ascii_only and not text.isascii()):
            raise _invalid(value, "one character such as ; or tab")
        return text


class Rows(DocumentedField[JsonRows]):
    """Rows of x as JsonRows: a list of numbers or rows, an object of columns, a list of records, or a single row.

    A single row cannot contain a missing value.
    """

    def __init__(self, description: str, kinds: arrays.Types = arrays.NUMBERS, **kwargs: Any) -> None:
        number, single = _number(kinds), _number(arrays.NUMBERS)
        numbers, record = _array(number), _object(number)
        shapes = [numbers, _array(numbers), _object(numbers), _array(record), _object(single), single]
        super().__init__(description, {"anyOf": shapes}, **kwargs)
        self.kinds = kinds

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> JsonRows:
        chosen = value if isinstance(value, Chosen) else Chosen(value, None)
        return JsonRows(chosen.value, f"/{attr}", self.kinds, chosen.x)


class Vector(DocumentedField[FloatArray]):
    """A list of numbers, as a float64 array."""

    def __init__(self, description: str, kinds: arrays.Types = arrays.NUMBERS, **kwargs: Any) -> None:
        super().__init__(description, _array(_number(kinds)), **kwargs)
        self.kinds = kinds

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> FloatArray:
        return arrays.list_vector(value, f"/{attr}", self.kinds)


class ColumnNames(DocumentedField[tuple[str, ...]]):
    """Comma-separated column names in a query; a name with a comma or quote is quoted as in CSV."""

    json_schema: ClassVar = {"type": "string"}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[str, ...]:
        try:
            return tuple(next(csv.reader([value]), [""]))
        except csv.Error:
            raise _invalid(value, "column names separated by commas") from None


class InitialCoefficients(DocumentedField[Start]):
    """{"w": a number, a list, or an object by column name, "b": a number}."""

    json_schema: ClassVar = {
        "type": "object",
        "properties": {
            "w": {"description": "The slopes: a number, a list, or an object by column name."},
            "b": {"type": "number", "description": "The intercept.", "default": 0},
        },
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Start:
        if not isinstance(value, dict) or "w" not in value or not set(value) <= {"w", "b"}:
            raise marshmallow.ValidationError('is not an object of w and b; give one such as {"w": 0.5, "b": 1}')
        w = arrays.table(value["w"], f"/{attr}/w")
        b = arrays.vector([value.get("b", 0)], lambda _: f"/{attr}/b")
        if w.row_shape is RowShape.LIST or (w.row_shape is RowShape.OBJECT and not w.is_single_row):
            raise InvalidRequest.at(f"/{attr}/w", "holds lists; give one number for each column")
        return Start(w.values.ravel(), w.names, float(b[0]))


class LearningRate(DocumentedField[Any]):
    """A positive number, or "auto"."""

    json_schema: ClassVar = {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"const": "auto"}]}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> float | Literal["auto"]:
        if value == "auto":
            return "auto"
        if type(value) not in (int, float) or not 0 < value <= sys.float_info.max:
            raise _invalid(value, 'a positive number, or "auto"')
        return float(value)


class Number(DocumentedField[float]):
    """A number within `bounds`; booleans and strings are rejected."""

    json_type: ClassVar = "number"

    def __init__(self, description: str, *, bounds: tuple[float, float], **kwargs: Any) -> None:
        self.minimum, self.maximum = bounds
        schema = {"type": self.json_type, "minimum": self.minimum, "maximum": self.maximum}
        super().__init__(description, schema, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> float:
        if type(value) not in (int, float) or not self.minimum <= value <= self.maximum:
            raise _invalid(value, f"a number from {self.minimum:g} to {self.maximum:g}")
        return float(value)


class Integer(Number):
    """A whole number within `bounds`: 3.0 is accepted, true and "3" are not. In a query, digits."""

    json_type: ClassVar = "integer"

    def __init__(self, description: str, *, in_query: bool = False, **kwargs: Any) -> None:
        super().__init__(description, **kwargs)
        self.in_query = in_query

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        number = int(value) if self.in_query and re.fullmatch("[0-9]{1,16}", value) else value
        if not _is_integer(number, self.minimum, self.maximum):
            raise _invalid(value, f"a whole number from {self.minimum} to {self.maximum}")
        return int(number)


class Boolean(DocumentedField[bool]):
    """true or false."""

    json_schema: ClassVar = {"type": "boolean"}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if type(value) is not bool:
            raise _invalid(value, "true or false")
        return value


class BooleanOrVersion(DocumentedField[Any]):
    """true, false, or a version number."""

    json_schema: ClassVar = {"anyOf": [{"type": "boolean"}, {"type": "integer", "minimum": 1, "maximum": MAX_VERSION}]}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool | int:
        if type(value) is not bool and not _is_integer(value, 1, MAX_VERSION):
            raise _invalid(value, "true, false, or a version number")
        return value if type(value) is bool else int(value)


class OrWord(DocumentedField[Any]):
    """The value of another field, or a word that loads as None."""

    def __init__(self, field: DocumentedField[Any], word: str) -> None:
        description = field.metadata["description"]
        schema = {name: value for name, value in field.metadata.items() if name != "description"}
        super().__init__(description, {"anyOf": [schema, {"const": word}]})
        self.field, self.word = field, word

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if value == self.word:
            return None
        try:
            return self.field._deserialize(value, attr, data, **kwargs)
        except marshmallow.ValidationError as error:
            raise marshmallow.ValidationError(f'{error.messages[0]}, or "{self.word}"') from None


class GroupLabels(DocumentedField[list[Any]]):
    """One label, a string or a whole number, for each row. service.formats.labels checks them."""

    json_schema: ClassVar = {"anyOf": [_array({"type": ["string", "integer", "null"]}), {"type": "string"}]}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list) or not value:
            raise marshmallow.ValidationError("is not a list of labels; give a string or a whole number for each row")
        return value


def _is_integer(value: Any, minimum: float, maximum: float) -> bool:
    return type(value) in (int, float) and value == value // 1 and minimum <= value <= maximum


def _invalid(value: Any, expected: str) -> marshmallow.ValidationError:
    """Return the error of a field that holds `value` instead of `expected`."""
    if isinstance(value, str | int | float | None):
        found = quoted(value) if isinstance(value, str) else json.dumps(value)
    else:
        found = "an object" if isinstance(value, dict) else "a list"
    return marshmallow.ValidationError(f"is {found}; give {expected}")
