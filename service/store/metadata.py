"""A model's description and labels: {"description": …, "labels": {…}}."""

import contextlib
from typing import Any

import orjson

from service.errors import InvalidRequest

MAX_LABELS = 100

Metadata = dict[str, Any]


def read(data: bytes | None) -> Metadata:
    """Return the metadata in a file's content; empty metadata for a missing or damaged file."""
    with contextlib.suppress(orjson.JSONDecodeError):
        match orjson.loads(data or b"null"):
            case {"description": str() | None as description, "labels": dict() as labels}:
                return {"description": description, "labels": labels}
    return {"description": None, "labels": {}}


def changed(about: Metadata, change: Metadata) -> Metadata:
    """Return `about` updated with `change`; null removes a value. Raises InvalidRequest for too many labels."""
    merged = {**about["labels"], **change.get("labels", {})}
    labels = {name: value for name, value in merged.items() if value is not None}
    if len(labels) > MAX_LABELS:
        detail = f"would make {len(labels)} labels, but a model has at most {MAX_LABELS}; remove some with null"
        raise InvalidRequest.at("/labels", detail)
    return {"description": change.get("description", about["description"]), "labels": labels}
