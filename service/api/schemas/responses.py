"""What the routes answer that do not train."""

from typing import Any

from marshmallow import Schema, fields

from service.api.schemas.response_fields import about, as_x, flag, number, objects, text, whole

MODEL = "The model's name."
VERSION = "The number of the version that answers."
DROPPED = 'How many rows were left out because they lack a value; only with `"missing": "drop"`.'
OF_EACH_GROUP: dict[str, dict[str, Any]] = {
    "group": about("The label of the group.", type="string"),
    "model": about("The group's model: the prefix and the label.", type="string"),
    "problem": about("Why the group failed, as a problem; it takes the place of the other fields.", type="object"),
}
"""What the results of all calls with groups hold."""


class PredictAnswer(Schema):
    """ŷ for every row of x, one number for a bare row; bounds and contributions where they were asked for."""

    model = text(MODEL)
    version = whole(VERSION)
    y = as_x("The predictions ŷ: a number for each row of `x`, or a single one for a single bare row.")
    lower = as_x("The lower bound of the interval around each prediction; only with `interval`.")
    upper = as_x("The upper bound of the interval around each prediction; only with `interval`.")
    contributions = as_x(
        "What each column adds to each prediction, w·(x − mean), in the form of `x`; only with `explain`."
    )
    mean_prediction = number("The prediction at the mean of the training data; only with `explain`.")
    dropped = whole(DROPPED)


class EvaluateAnswer(Schema):
    """How well a version's predictions meet what was observed; r2 is null where y does not vary."""

    model = text(MODEL)
    version = whole(VERSION)
    n = whole("The number of rows with a weight above 0.")
    mse = number("The mean squared error.")
    rmse = number("The square root of the mean squared error, in units of y.")
    mae = number("The mean absolute error, in units of y.")
    r2 = number("R², the share of the variation of y that is predicted; null if y does not vary.", allow_none=True)
    bias = number("The mean of ŷ − y, in units of y.")
    dropped = whole(DROPPED)


class GroupPredictionsAnswer(Schema):
    """One result per group, in order of appearance: its predictions, or the problem that it met."""

    results = objects(
        "One result for each group, in order of appearance.",
        ["group", "model"],
        {
            **OF_EACH_GROUP,
            "version": about(VERSION, type="integer"),
            "rows": about("Which rows of `x` are the group's, from 0.", type="array", items={"type": "integer"}),
            "y": about("The prediction for each of these rows.", type="array", items={"type": "number"}),
        },
    )


class ServingAnswer(Schema):
    """Which version serves, and whether it is pinned."""

    model = text(MODEL)
    version = whole("The number of the version that answers predictions.")
    pinned = flag("Whether that version is pinned; otherwise it is the newest.")


class ModelAnswer(Schema):
    """A model and its versions."""

    model = text(MODEL)
    serving = whole(
        "The number of the version that answers predictions; null if the model's `config.pbtxt` cannot be followed.",
        allow_none=True,
    )
    versions = fields.List(fields.Integer(), metadata=about("The numbers of all its versions, in ascending order."))
    description = text("What the model is for; null if it has no description.", allow_none=True)
    labels = fields.Dict(keys=fields.String(), values=fields.String(), metadata=about("The model's labels, by name."))


class ModelsAnswer(Schema):
    """Models in order of name; `next_page_token` asks for those after them."""

    models = fields.List(fields.Nested(ModelAnswer), metadata=about("The models of this page, in order of name."))
    next_page_token = text("What to send as `page_token` for the next page; absent on the last.")


class FaultAnswer(Schema):
    """One thing wrong with one field."""

    pointer = text("Where the fault is: a JSON Pointer into the body, or `/` and the name of a query parameter.")
    detail = text("What is wrong there, and what to send instead.")


class ProblemAnswer(Schema):
    """What went wrong, and what to change (RFC 9457); of a rate that diverges, the bound, and of a service that is too
    busy, when to try again, in seconds."""

    type = text("The kind of problem, as a URN that never changes.", required=True)
    title = text("The kind of problem, for people to read.", required=True)
    status = whole("The HTTP status of the answer.", required=True)
    detail = text("What went wrong this time, and what to change.", required=True)
    errors = fields.List(
        fields.Nested(FaultAnswer), metadata=about("The faults of single fields; absent if no field is at fault.")
    )
    largest_stable_learning_rate = number(
        "The bound that the learning rate must stay below; only if the one that was sent makes the descent diverge."
    )
    retry_after = number("When to try again, in seconds; only if the service is too busy.")
