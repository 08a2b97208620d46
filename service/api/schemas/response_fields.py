"""Response fields with a description. Values are passed through, because there are too many to validate each."""

from functools import partial
from typing import Any

from marshmallow import Schema, fields


def raw(description: str, *, required: bool = False, allow_none: bool = False, **schema: Any) -> fields.Raw:
    """Return a field with a JSON Schema."""
    return fields.Raw(required=required, allow_none=allow_none, metadata={**schema, "description": description})


string = partial(raw, type="string")
integer = partial(raw, type="integer")
number = partial(raw, type="number")
boolean = partial(raw, type="boolean")


def array(description: str, items_type: str, **options: Any) -> fields.Raw:
    """Return a field for an array of items of a JSON type."""
    return raw(description, type="array", items={"type": items_type}, **options)


def nested(schema: type[Schema], description: str, **options: Any) -> fields.Nested:
    """Return a field for an object that is written by its schema."""
    return fields.Nested(schema, metadata={"description": description}, **options)


class ObjectArray(fields.Raw):
    """An array of objects, which are documented by a schema in place."""

    def __init__(self, schema: type[Schema], description: str, **options: Any) -> None:
        super().__init__(metadata={"type": "array", "description": description}, **options)
        self.items = schema()
