"""Schemas of request headers, for the OpenAPI document."""

from marshmallow import Schema

from service.api.schemas.fields import Text

LONGEST_KEY = 255


class CacheHeaders(Schema):
    """Headers of a conditional GET."""

    if_none_match = Text(
        "The ETag of a previous response. If it still matches, the status is 304 and the body is empty.",
        data_key="If-None-Match",
    )


class GroupTrainHeaders(Schema):
    """Headers of a training of several models."""

    idempotency_key = Text(
        f"A key of 1 to {LONGEST_KEY} printable characters that makes the training safe to repeat. A repeated request "
        "returns the first response with the header `Idempotency-Replayed: true`, or with `replayed` in the result of "
        "a group.",
        data_key="Idempotency-Key",
    )
    if_none_match = Text(
        "`*` trains only a model that does not exist yet; otherwise the status is 412.", data_key="If-None-Match"
    )


class TrainHeaders(GroupTrainHeaders):
    """Headers of a training of one model."""

    if_match = Text(
        "Trains only if the newest version has this ETag; otherwise the status is 412. `*` matches any version.",
        data_key="If-Match",
    )
