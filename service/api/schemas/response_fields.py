"""Response fields with a description. Numbers are passed through, because there are too many to validate each."""

from typing import Any

from marshmallow import fields


def described(description: str, **schema: Any) -> dict[str, Any]:
    """Return a JSON Schema with a description."""
    return {**schema, "description": description}


def string(description: str, **options: Any) -> fields.String:
    """Return a string field."""
    return fields.String(metadata=described(description), **options)


def boolean(description: str) -> fields.Boolean:
    """Return a boolean field."""
    return fields.Boolean(metadata=described(description))


def integer(description: str, **options: Any) -> fields.Integer:
    """Return an integer field."""
    return fields.Integer(metadata=described(description), **options)


def number(description: str, **options: Any) -> fields.Raw:
    """Return a field that passes a number through."""
    return fields.Raw(metadata=described(description, type="number"), **options)


def number_array(description: str) -> fields.Raw:
    """Return a field that passes an array of numbers through."""
    return fields.Raw(metadata=described(description, type="array", items={"type": "number"}))


def raw(description: str, **schema: Any) -> fields.Raw:
    """Return a field that passes a value through."""
    return fields.Raw(metadata=described(description, **schema))


def object_array(
    description: str, required_properties: list[str], properties: dict[str, dict[str, Any]], **options: Any
) -> fields.Raw:
    """Return a field that passes an array of objects through; all have the `required_properties`."""
    items = {"type": "object", "required": required_properties, "properties": properties}
    return fields.Raw(metadata=described(description, type="array", items=items), **options)
