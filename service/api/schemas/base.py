"""Base schemas, which reject unknown fields and report errors with JSON Pointers."""

import difflib
from collections.abc import Collection, Iterator
from typing import Any, ClassVar, NoReturn

from marshmallow import Schema, ValidationError, fields, pre_load

from service.errors import MAX_NAME, Fault, InvalidRequest
from service.formats.arrays import escape

MESSAGES = {"Missing data for required field.": "is required", "Field may not be null.": "is null; give a value"}
"""Replacements for marshmallow's messages."""


class RequestSchema(Schema):
    """A schema that raises InvalidRequest, and suggests the nearest known name for an unknown field.

    null_is_absent: whether null in an optional field means that it is not given, because generated clients send it.
    """

    field_kind: ClassVar = "field"
    null_is_absent: ClassVar = True

    @pre_load
    def _drop_nulls(self, data: Any, **_: Any) -> Any:
        if not self.null_is_absent or not isinstance(data, dict):
            return data
        optional = {name for name, field in self.fields.items() if not field.required}
        return {name: value for name, value in data.items() if value is not None or name not in optional}

    def handle_error(self, error: ValidationError, data: Any, **_: Any) -> NoReturn:
        """Raise InvalidRequest with one fault for each invalid field."""
        if not isinstance(error.messages, dict) or ("_schema" in error.messages and not isinstance(data, dict)):
            raise InvalidRequest.at("", 'is not an object; send one such as {"x": [1, 2]}')
        raise InvalidRequest.of(self._faults(error.messages))

    def _faults(self, messages: dict[str, Any]) -> Iterator[Fault]:
        for name, each in messages.items():
            if name not in self.fields:
                yield unknown(name, self.field_kind, self.fields)
            else:
                yield from _nested_faults(f"/{escape(name)}", each, self.fields[name])


class QuerySchema(RequestSchema):
    """The parameters of a query string."""

    field_kind = "query parameter"


def unknown(name: str, kind: str, names: Collection[str]) -> Fault:
    """Return the fault of a name that is not among `names`, with the nearest of them or all."""
    if name == "model" and kind == "field":
        detail = "is not a known field; the name of the model goes into the path or the query, as in"
        return Fault("/model", f"{detail} /models/NAME/predict or /predict?model=NAME")
    near = difflib.get_close_matches(name[:MAX_NAME], names, n=1, cutoff=0.5)
    if near:
        hint = f"the nearest is {near[0]!r}"
    elif len(names) > 1:
        hint = f"the {kind}s are {', '.join(names)}"
    else:
        hint = f"the only one is {next(iter(names))!r}" if names else "this path takes none"
    return Fault(f"/{escape(name[:MAX_NAME])}", f"is not a known {kind}; {hint}")


def _nested_faults(pointer: str, messages: Any, field: Any) -> Iterator[Fault]:
    """Yield the faults of a field and of its elements. marshmallow separates those of an object's keys and values."""
    if not isinstance(messages, dict):
        yield Fault(pointer, "; ".join(MESSAGES.get(message, message) for message in messages))
        return
    for name, each in messages.items():
        nested = f"{pointer}/{escape(str(name)[:MAX_NAME])}"
        for element in each.values() if isinstance(field, fields.Mapping) else [each]:
            yield from _nested_faults(nested, element, None)
