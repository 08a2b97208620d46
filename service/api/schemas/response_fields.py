"""Fields of answers that say what they mean. Numbers are passed on as they are: there are too many for a field each."""

from typing import Any

from marshmallow import fields


def about(meaning: str, **takes: Any) -> dict[str, Any]:
    """A part of a JSON Schema: what something means, and what it takes."""
    return {**takes, "description": meaning}


def text(meaning: str, **options: Any) -> fields.String:
    """A text."""
    return fields.String(metadata=about(meaning), **options)


def flag(meaning: str) -> fields.Boolean:
    """true or false."""
    return fields.Boolean(metadata=about(meaning))


def whole(meaning: str, **options: Any) -> fields.Integer:
    """A whole number."""
    return fields.Integer(metadata=about(meaning), **options)


def number(meaning: str, **options: Any) -> fields.Raw:
    """A number, passed on as it is."""
    return fields.Raw(metadata=about(meaning, type="number"), **options)


def numbers(meaning: str) -> fields.Raw:
    """Numbers, passed on as they are."""
    return fields.Raw(metadata=about(meaning, type="array", items={"type": "number"}))


def as_x(meaning: str) -> fields.Raw:
    """Numbers in the form that x came in."""
    return fields.Raw(metadata=about(meaning))


def objects(meaning: str, always: list[str], properties: dict[str, dict[str, Any]], **options: Any) -> fields.Raw:
    """A list of objects, passed on as they are; all have the properties `always`, and may have the others."""
    items = {"type": "object", "required": always, "properties": properties}
    return fields.Raw(metadata=about(meaning, type="array", items=items), **options)
