"""Options out of the texts of a query."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields

from service.api.schemas.fields import Names
from service.errors import MalformedBody
from service.formats import json

TEXTS = (fields.String, Names)


def valued(query: Mapping[str, str], schema: Schema) -> dict[str, Any]:
    """`query` with the values that its texts stand for: JSON, where a field of `schema` takes anything but text."""
    return {name: _value(text, schema.fields.get(name)) for name, text in query.items()}


def _value(text: str, field: fields.Field[Any] | None) -> Any:
    if field is None or isinstance(field, TEXTS):
        return text
    try:
        return json.decode(text.encode("utf-8", "replace"))
    except MalformedBody:
        return text
