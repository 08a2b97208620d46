"""Schemas of the responses of all routes but training."""

from marshmallow import Schema

from service.api.schemas.response_fields import ObjectArray, array, boolean, integer, nested, number, raw, string

MODEL = "The model's name."
VERSION = "The version that computed the predictions."
DROPPED = 'The number of rows left out because of a missing value; only with `"missing": "drop"`.'
IGNORED = "Columns of the request that were not used; absent if there are none."
UNLABELLED = 'The number of rows left out because their label is missing; only with `"missing": "drop"`.'
NEXT_PAGE_TOKEN = "The `page_token` of the next page; absent on the last page."  # noqa: S105 - not a password


class IgnoredColumns(Schema):
    """Columns of a request that were not used."""

    count = integer("The number of ignored columns.", required=True)
    names = array("The names of the first 20 of them.", "string", required=True)


class PredictResponse(Schema):
    """Predictions, with intervals and contributions if requested. Values are numbers for a single row."""

    model = string(MODEL)
    version = integer(VERSION)
    y = raw("The predictions ŷ: a number for each row of `x`, or one number for a single row.")
    lower = raw("The lower bound of the interval around each prediction; only with `interval`.")
    upper = raw("The upper bound of the interval around each prediction; only with `interval`.")
    contributions = raw(
        "The contribution of each column to each prediction, w·(x − mean), in the form of `x`; only with `explain`."
    )
    mean_prediction = number("The prediction at the mean of the training data; only with `explain`.")
    dropped = integer(DROPPED)
    ignored_columns = nested(IgnoredColumns, IGNORED)


class EvaluateResponse(Schema):
    """The errors of a version's predictions; r2 is null if y is constant."""

    model = string(MODEL)
    version = integer(VERSION)
    n = integer("The number of rows with a weight above 0.")
    mse = number("The mean squared error.")
    rmse = number("The square root of the mean squared error, in units of y.")
    mae = number("The mean absolute error, in units of y.")
    r2 = number("R², the share of the variance of y that is predicted; null if y is constant.", allow_none=True)
    bias = number("The mean of ŷ − y, in units of y.")
    dropped = integer(DROPPED)
    ignored_columns = nested(IgnoredColumns, IGNORED)


class GroupResult(Schema):
    """The result of a group."""

    group = string("The label of the group.", required=True)
    model = string("The group's model: the prefix and the label.", required=True)
    problem = raw("Why the group failed (RFC 9457); it replaces the other fields but `rows`.", type="object")


class GroupPrediction(GroupResult, PredictResponse):
    """The predictions of a group, with intervals and contributions if requested."""

    rows = array(
        "The rows of `x` in the group, from 0; without dropped rows, unless the group failed.", "integer", required=True
    )
    y = array("The prediction for each of these rows.", "number")
    lower = array("The lower bound of the interval around each prediction; only with `interval`.", "number")
    upper = array("The upper bound of the interval around each prediction; only with `interval`.", "number")


class GroupPredictResponse(Schema):
    """The predictions of each group, or the problem that prevented them."""

    results = ObjectArray(GroupPrediction, "One result for each group, in order of appearance.")
    dropped = integer(UNLABELLED)


class ServingResponse(Schema):
    """The version that serves, and whether it is pinned."""

    model = string(MODEL)
    version = integer("The version that answers predictions.")
    pinned = boolean("Whether that version is pinned; otherwise it is the newest.")


class ModelResponse(Schema):
    """A model and the numbers of its versions."""

    model = string(MODEL)
    serving = integer(
        "The version that answers predictions; null if the model's `config.pbtxt` is invalid.", allow_none=True
    )
    versions = array("The numbers of all versions, in ascending order.", "integer")
    description = string("The purpose of the model; null if it has no description.", allow_none=True)
    labels = raw("The model's labels, by name.", type="object", additionalProperties={"type": "string"})


class ModelListResponse(Schema):
    """A page of models, in order of name."""

    models = nested(ModelResponse, "The models, in order of name.", many=True)
    next_page_token = string(NEXT_PAGE_TOKEN)


class FaultResponse(Schema):
    """An invalid field."""

    pointer = string("The field: a JSON Pointer into the body, or `/` and the name of a query parameter.")
    detail = string("The reason, and what to send instead.")


class ProblemResponse(Schema):
    """An error (RFC 9457)."""

    type = string("The kind of problem, a URN that does not change.", required=True)
    title = string("The kind of problem, for people to read.", required=True)
    status = integer("The HTTP status of the response.", required=True)
    detail = string("The reason, and what to change.", required=True)
    errors = nested(FaultResponse, "The invalid fields; absent if no field is invalid.", many=True)
    largest_stable_learning_rate = number(
        "The bound that the learning rate must stay below; only if the requested one diverges."
    )
    retry_after = number(
        "The seconds to wait before the next attempt; only if other trainings keep publishing the model."
    )
