"""Schemas of the responses of training: fits, versions and lists of versions."""

from marshmallow import Schema, fields

from service.api.schemas.response_fields import ObjectArray, array, boolean, integer, nested, number, raw, string
from service.api.schemas.responses import (
    DROPPED,
    IGNORED,
    MODEL,
    NEXT_PAGE_TOKEN,
    UNLABELLED,
    GroupResult,
    IgnoredColumns,
)

LOSS = "The mean squared error on the training data."
R2 = "R² of the fitted coefficients on the training data; null if y is constant."
OBJECTIVE = "The loss plus the ridge penalty l2·‖w‖²; only if `l2` is not 0."
TRAINED_AT = "The time of the training in UTC, such as `2026-11-28T08:00:00.000Z`."
DATA_WARNINGS = ["row-number", "constant", "collinear", "underdetermined", "perfect-fit"]
FIT_WARNINGS = ["slow-convergence", "diverging", "not-converged"]
SUMMARY = ("w", "b", "n", "loss", "r2", "epochs", "converged", "warnings")
"""The fields of a fit that the result of a group has as well."""


class Artifact(Schema):
    """The TorchScript file of a version."""

    href = string("The path for downloading the file.")
    sha256 = string("The SHA-256 of the file, in hexadecimal.")
    bytes = integer("The size of the file in bytes.")


class LossCurve(Schema):
    """The loss after a number of epochs."""

    epoch = array("The epochs of the curve, in ascending order; 0 is the start.", "number")
    loss = array("The mean squared error after each of these epochs.", "number")
    objective = array("The loss plus the penalty l2·‖w‖² after each of these epochs; only if `l2` is not 0.", "number")


class PerCoefficient(Schema):
    """A statistic of each coefficient; null for a coefficient that is not unique."""

    w = raw("One number for each slope, in the form of `w`; null for a slope that is not unique.")
    b = number("The number for the intercept; null if it is not unique.", allow_none=True)


def _per_coefficient(description: str) -> fields.Nested:
    return nested(PerCoefficient, f"{description}; null if undefined.", allow_none=True)


def _statistic(description: str) -> fields.Raw:
    return number(f"{description}; null if undefined.", allow_none=True)


class OptimumResponse(Schema):
    """The least-squares solution and its statistics. `lower` and `upper` bound 95 % confidence intervals."""

    w = raw("The slopes of the least-squares solution, in the form of a row of `x`.")
    b = number("The intercept of the least-squares solution.")
    loss = number("The mean squared error of the least-squares solution.")
    objective = number(OBJECTIVE)
    rss = number("The residual sum of squares.")
    degrees_of_freedom = number("The number of rows minus the rank of [1, X].")
    r2 = _statistic("R² of the least-squares solution, the share of the variance of y that it explains")
    adjusted_r2 = _statistic("R² adjusted for the number of coefficients")
    residual_std_error = _statistic("The standard deviation of the residuals, in units of y: √(rss/degrees of freedom)")
    f = _statistic("The F statistic of the hypothesis that all slopes are zero")
    f_p_value = _statistic("The p-value of F")
    aic = _statistic("Akaike's information criterion")
    bic = _statistic("The Bayesian information criterion")
    condition_number = _statistic("The condition number of [1, X]; a large one means nearly collinear columns")
    std_errors = _per_coefficient("The standard errors of the coefficients")
    t = _per_coefficient("The t statistics: each coefficient divided by its standard error")
    p_values = _per_coefficient("The two-sided p-values of t")
    lower = _per_coefficient("The lower bounds of the coefficients' 95 % confidence intervals")
    upper = _per_coefficient("The upper bounds of the coefficients' 95 % confidence intervals")
    undefined = string("Why statistics are null, such as a constant y; null if none is.", allow_none=True)


class FitWarning(Schema):
    """A condition to check before using the coefficients."""

    type = raw("The kind of warning.", enum=DATA_WARNINGS + FIT_WARNINGS, required=True)
    detail = string("The condition, its consequence and the remedy.", required=True)
    columns = array("The columns concerned; absent if there are none.", "string")


class FitResponse(Schema):
    """The fitted coefficients, the descent that led to them, and the least-squares solution."""

    model = string(MODEL)
    version = integer("The version's number; null after a dry run.", allow_none=True)
    serving = integer("The serving version: the new one, or the pinned one; null after a dry run.", allow_none=True)
    w = raw("The slopes, in the form of a row of `x`: a number, a list, or an object by column name.")
    b = number("The intercept.")
    columns = array("The names of the columns of x, in order.", "string")
    n = number("The number of rows with a weight above 0, including those of appends. A decay reduces it.")
    loss = number(LOSS)
    r2 = number(R2, allow_none=True)
    objective = number(OBJECTIVE)
    initial_loss = number("The mean squared error at the start of the descent.")
    epochs = integer("The number of steps; null if convergence takes more than 2⁵³ steps.", allow_none=True)
    converged = boolean("Whether the descent has converged to the least-squares solution.")
    options = raw("The effective options. With the same rows they give the same fit.", type="object")
    largest_stable_learning_rate = number(
        "The exclusive upper bound of the learning rate; null: none.", allow_none=True
    )
    optimum = nested(OptimumResponse, "The least-squares solution and its statistics.")
    history = nested(LossCurve, "The loss curve of the descent.")
    warnings = ObjectArray(FitWarning, "Conditions to check before using the coefficients.")
    dropped = integer(DROPPED)
    ignored_columns = nested(IgnoredColumns, IGNORED)
    trained_at = string(TRAINED_AT)
    etag = string("The version's tag, which `If-Match` takes in quotes.")
    artifact = nested(Artifact, "The version's TorchScript file.")


class HistoryResponse(LossCurve):
    """The loss curve of a version."""

    model = string(MODEL)
    version = integer("The version's number.")


class VersionSummary(Schema):
    """A version in a list."""

    version = integer("The version's number.", required=True)
    trained_at = string(f"{TRAINED_AT[:-1]}; null if the file is damaged.", required=True, allow_none=True)
    loss = number(f"{LOSS[:-1]}; null if the file is damaged.", required=True, allow_none=True)
    r2 = number(R2, required=True, allow_none=True)
    n = number("The number of rows with a weight above 0; null if the file is damaged.", required=True, allow_none=True)
    serving = boolean("Whether this version answers predictions.", required=True)
    pinned = boolean("Whether this version is pinned.", required=True)
    problem = raw("Why the file cannot be read (RFC 9457); absent if it can.", type="object")


class VersionListResponse(Schema):
    """A page of the versions of a model, newest first."""

    model = string(MODEL)
    versions = ObjectArray(VersionSummary, "The versions, newest first.")
    next_page_token = string(NEXT_PAGE_TOKEN)


class GroupFit(GroupResult, FitResponse):
    """The summary of a group's fit."""

    class Meta:
        fields = ("group", "model", "problem", "version", *SUMMARY, "dropped", "replayed", "ignored_columns")

    version = integer("The new version's number; null after a dry run.", allow_none=True)
    w = raw("The slopes, in the form of a row of `x`.")
    replayed = boolean("true if an earlier request with the same key published it.")


class GroupTrainResponse(Schema):
    """The summary of each group's fit, or the problem that prevented it."""

    results = ObjectArray(GroupFit, "One result for each group, in order of appearance.")
    dropped = integer(UNLABELLED)
