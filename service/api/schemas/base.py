"""Base schemas, which reject unknown fields and report errors with JSON Pointers."""

import difflib
from collections.abc import Iterator
from typing import Any, ClassVar, NoReturn

from marshmallow import Schema, ValidationError, fields

from service.errors import MAX_NAME, Fault, InvalidRequest
from service.formats.arrays import escape

MESSAGES = {"Missing data for required field.": "is required", "Field may not be null.": "is null; give a value"}
"""Replacements for marshmallow's messages."""


class RequestSchema(Schema):
    """A schema that raises InvalidRequest, and suggests the nearest known name for an unknown field."""

    field_kind: ClassVar = "field"

    def handle_error(self, error: ValidationError, data: Any, **_: Any) -> NoReturn:
        """Raise InvalidRequest with one fault for each invalid field."""
        if not isinstance(error.messages, dict) or ("_schema" in error.messages and not isinstance(data, dict)):
            raise InvalidRequest.at("", 'is not an object; send one such as {"x": [1, 2]}')
        raise InvalidRequest.of(self._faults(error.messages))

    def _faults(self, messages: dict[str, Any]) -> Iterator[Fault]:
        for name, each in messages.items():
            if name not in self.fields:
                detail = f"is not a known {self.field_kind}; {self._suggestion(name)}"
                yield Fault(f"/{escape(name[:MAX_NAME])}", detail)
            else:
                yield from _nested_faults(f"/{escape(name)}", each, self.fields[name])

    def _suggestion(self, name: str) -> str:
        if not self.fields:
            return "this path takes none"
        near = difflib.get_close_matches(name[:MAX_NAME], self.fields, n=1, cutoff=0.5)
        if near:
            return f"the nearest is {near[0]!r}"
        if len(self.fields) == 1:
            return f"the only one is {next(iter(self.fields))!r}"
        return f"the {self.field_kind}s are {', '.join(self.fields)}"


class QuerySchema(RequestSchema):
    """The parameters of a query string."""

    field_kind = "query parameter"


def _nested_faults(pointer: str, messages: Any, field: Any) -> Iterator[Fault]:
    """Yield the faults of a field and of its elements. marshmallow separates those of an object's keys and values."""
    if not isinstance(messages, dict):
        yield Fault(pointer, "; ".join(MESSAGES.get(message, message) for message in messages))
        return
    for name, each in messages.items():
        nested = f"{pointer}/{escape(str(name)[:MAX_NAME])}"
        for element in each.values() if isinstance(field, fields.Mapping) else [each]:
            yield from _nested_faults(nested, element, None)
