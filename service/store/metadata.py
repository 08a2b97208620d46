"""What users say of a model: {"description": …, "labels": {…}}."""

from typing import Any

import orjson

from service.errors import InvalidRequest

MOST_LABELS = 100

Metadata = dict[str, Any]


def read(data: bytes) -> Metadata:
    """What a file says; nothing if it is damaged."""
    try:
        about = orjson.loads(data)
    except orjson.JSONDecodeError:
        return nothing()
    match about:
        case {"description": str() | None as description, "labels": dict() as labels}:
            return {"description": description, "labels": labels}
    return nothing()


def nothing() -> Metadata:
    """What is said of a model of which nobody has said anything."""
    return {"description": None, "labels": {}}


def changed(about: Metadata, change: Metadata) -> Metadata:
    """`about` with what `change` holds in its place: null removes. Raises InvalidRequest for too many labels."""
    merged = {**about["labels"], **change.get("labels", {})}
    labels = {name: value for name, value in merged.items() if value is not None}
    if len(labels) > MOST_LABELS:
        detail = f"would make {len(labels)} labels; a model has at most {MOST_LABELS}, so remove some with null"
        raise InvalidRequest.at("/labels", detail)
    return {"description": change.get("description", about["description"]), "labels": labels}
