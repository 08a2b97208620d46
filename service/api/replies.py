"""What the routes answer. Numbers are passed on as they are: there are too many for a field each."""

from typing import Any

from marshmallow import Schema, fields


def _number(**options: Any) -> fields.Raw:
    """A number, passed on as it is."""
    return fields.Raw(metadata={"type": "number"}, **options)


def _numbers() -> fields.Raw:
    """Numbers, passed on as they are: too many for a field each."""
    return fields.Raw(metadata={"type": "array", "items": {"type": "number"}})


class Artifact(Schema):
    """The TorchScript file of a version."""

    href = fields.String()
    sha256 = fields.String()
    bytes = fields.Integer()


class Curve(Schema):
    """A loss curve: the losses after so many epochs; the penalised objective too where there is a penalty."""

    epoch = _numbers()
    loss = _numbers()
    objective = _numbers()


class PerCoefficient(Schema):
    """A number for each coefficient of the best line; null where the data does not determine it."""

    w = fields.Raw()
    b = _number(allow_none=True)


class OptimumAnswer(Schema):
    """The best line there is for the data, and what the data says of it.

    What is undefined is null, and `undefined` says why. `lower` and `upper` are the coefficients' 95 % intervals.
    """

    w = fields.Raw()
    b = _number()
    loss = _number()
    objective = _number()
    rss = _number()
    degrees_of_freedom = _number()
    r2 = _number(allow_none=True)
    adjusted_r2 = _number(allow_none=True)
    residual_std_error = _number(allow_none=True)
    f = _number(allow_none=True)
    f_p_value = _number(allow_none=True)
    aic = _number(allow_none=True)
    bic = _number(allow_none=True)
    condition_number = _number(allow_none=True)
    std_errors = fields.Nested(PerCoefficient, allow_none=True)
    t = fields.Nested(PerCoefficient, allow_none=True)
    p_values = fields.Nested(PerCoefficient, allow_none=True)
    lower = fields.Nested(PerCoefficient, allow_none=True)
    upper = fields.Nested(PerCoefficient, allow_none=True)
    undefined = fields.String(allow_none=True)


class FitAnswer(Schema):
    """A version: the line, how descent came to it, and how far that is from the best one."""

    model = fields.String()
    version = fields.Integer(allow_none=True)
    serving = fields.Integer(allow_none=True)
    w = fields.Raw()
    b = _number()
    columns = fields.List(fields.String())
    n = _number()
    loss = _number()
    objective = _number()
    initial_loss = _number()
    epochs = fields.Integer(allow_none=True)
    converged = fields.Boolean()
    options = fields.Raw(metadata={"type": "object"})
    largest_stable_learning_rate = _number(allow_none=True)
    optimum = fields.Nested(OptimumAnswer)
    history = fields.Nested(Curve)
    warnings = fields.Raw(metadata={"type": "array", "items": {"type": "object", "required": ["type", "detail"]}})
    dropped = fields.Integer()
    trained_at = _number()
    etag = fields.String()
    artifact = fields.Nested(Artifact)


class PredictAnswer(Schema):
    """ŷ for every row of x, one number for a bare row; bounds and contributions where they were asked for."""

    model = fields.String()
    version = fields.Integer()
    y = fields.Raw()
    lower = fields.Raw()
    upper = fields.Raw()
    contributions = fields.Raw()
    mean_prediction = _number()
    dropped = fields.Integer()


class EvaluateAnswer(Schema):
    """How well a version's predictions meet what was observed; r2 is null where y does not vary."""

    model = fields.String()
    version = fields.Integer()
    n = fields.Integer()
    mse = _number()
    rmse = _number()
    mae = _number()
    r2 = _number(allow_none=True)
    bias = _number()
    dropped = fields.Integer()


class GroupsAnswer(Schema):
    """One result per group, in order of appearance: what was done for it, or the problem that it met."""

    results = fields.Raw(metadata={"type": "array", "items": {"type": "object", "required": ["group", "model"]}})


class ServingAnswer(Schema):
    """Which version serves, and whether it is pinned."""

    model = fields.String()
    version = fields.Integer()
    pinned = fields.Boolean()


class HistoryAnswer(Curve):
    """The loss curve of a version."""

    model = fields.String()
    version = fields.Integer()


class ModelAnswer(Schema):
    """A model and its versions."""

    model = fields.String()
    serving = fields.Integer(allow_none=True)
    versions = fields.List(fields.Integer())
    description = fields.String(allow_none=True)
    labels = fields.Dict(keys=fields.String(), values=fields.String())


class ModelsAnswer(Schema):
    """Models in order of name; `next_page_token` asks for those after them."""

    models = fields.List(fields.Nested(ModelAnswer))
    next_page_token = fields.String()


class FaultAnswer(Schema):
    """One thing wrong with one field."""

    pointer = fields.String()
    detail = fields.String()


class ProblemAnswer(Schema):
    """What went wrong, and what to change (RFC 9457); of a rate that diverges, the bound, and of a service that is too
    busy, when to try again, in seconds."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    errors = fields.List(fields.Nested(FaultAnswer))
    largest_stable_learning_rate = _number()
    retry_after = _number()
