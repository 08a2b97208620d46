"""What trainings answer: fits, in full and in short."""

from marshmallow import Schema, fields

from service.api.schemas.response_fields import about, as_x, flag, number, numbers, objects, text, whole
from service.api.schemas.responses import DROPPED, MODEL, OF_EACH_GROUP

EPOCHS = "How many steps the descent takes to the line; null if its limit is more than 2⁵³ steps away."
OBJECTIVE = "The loss plus the penalty l2·‖w‖²; only if there is a penalty."


class Artifact(Schema):
    """The TorchScript file of a version."""

    href = text("The path to download the file from.")
    sha256 = text("The SHA-256 of the file's bytes, in hexadecimal.")
    bytes = whole("The size of the file in bytes.")


class Curve(Schema):
    """A loss curve: the losses after so many epochs; the penalised objective too where there is a penalty."""

    epoch = numbers("The epochs that the curve shows, in ascending order; 0 is the start.")
    loss = numbers("The mean squared error after each of these epochs.")
    objective = numbers("The loss plus the penalty l2·‖w‖² after each of these epochs; only if there is a penalty.")


class PerCoefficient(Schema):
    """A number for each coefficient of the best line; null where the data does not determine it."""

    w = as_x("One number for each slope, in the form of `w`; null for a slope that the data does not determine.")
    b = number("The number for the intercept; null if the data does not determine it.", allow_none=True)


def _per_coefficient(meaning: str) -> fields.Nested:
    return fields.Nested(PerCoefficient, allow_none=True, metadata=about(f"{meaning}; null if undefined."))


def _statistic(meaning: str) -> fields.Raw:
    return number(f"{meaning}; null if undefined.", allow_none=True)


class OptimumAnswer(Schema):
    """The best line there is for the data, and what the data says of it.

    What is undefined is null, and `undefined` says why. `lower` and `upper` are the coefficients' 95 % intervals.
    """

    w = as_x("The slopes of the best line, in the form of a row of `x`.")
    b = number("The intercept of the best line.")
    loss = number("The mean squared error of the best line.")
    objective = number(OBJECTIVE)
    rss = number("The residual sum of squares.")
    degrees_of_freedom = number("The number of rows less that of the coefficients that the data determines.")
    r2 = _statistic("R², the share of the variation of y that the line explains")
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
    undefined = text("Why the statistics are undefined, such as too few rows; null if they are not.", allow_none=True)


KINDS = ["constant", "collinear", "underdetermined", "not-converged", "slow-convergence", "diverging"]
WARNINGS = objects(
    "What to know before using the line.",
    ["type", "detail"],
    {
        "type": about("The kind of warning.", enum=KINDS),
        "detail": about("What the warning is about, in a sentence.", type="string"),
        "columns": about("The columns it concerns; absent if there are none.", type="array", items={"type": "string"}),
    },
)


class FitAnswer(Schema):
    """A version: the line, how descent came to it, and how far that is from the best one."""

    model = text(MODEL)
    version = whole("The version's number; null after a dry run, which publishes none.", allow_none=True)
    serving = whole(
        "The version that now answers predictions: the new one, unless another is pinned; null after a dry run.",
        allow_none=True,
    )
    w = as_x("The slopes, in the form of a row of `x`: a number, a list, or an object by column name.")
    b = number("The intercept.")
    columns = fields.List(fields.String(), metadata=about("The names of the columns of x, in order."))
    n = number("The number of rows with a weight above 0, counting those of appends; a decay scales it down.")
    loss = number("The mean squared error of the line on the training data.")
    objective = number(OBJECTIVE)
    r2 = number("R² on the training data; null if y does not vary.", allow_none=True)
    initial_loss = number("The mean squared error at the start of the descent.")
    epochs = whole(EPOCHS, allow_none=True)
    converged = flag("Whether the descent has reached its limit.")
    options = fields.Raw(
        metadata=about(
            "Every option with the value it had; sent again with the same rows, they give the same fit.", type="object"
        )
    )
    largest_stable_learning_rate = number(
        "The bound that learning rates must stay below on this data, or the descent diverges; null if there is none.",
        allow_none=True,
    )
    optimum = fields.Nested(OptimumAnswer, metadata=about("The best line for the data, and its statistics."))
    history = fields.Nested(Curve, metadata=about("The loss curve of the descent."))
    warnings = WARNINGS
    dropped = whole(DROPPED)
    trained_at = text("Time of the fit in ISO 8601, UTC: `2026-11-23T10:09:24.071Z`.")
    etag = text("The version's tag, which `If-Match` takes in quotes.")
    artifact = fields.Nested(Artifact, metadata=about("The version's TorchScript file."))


class HistoryAnswer(Curve):
    """The loss curve of a version."""

    model = text(MODEL)
    version = whole("The version's number.")


class GroupFitsAnswer(Schema):
    """One result per group, in order of appearance: the fit in short, or the problem that it met."""

    results = objects(
        "One result for each group, in order of appearance.",
        ["group", "model"],
        {
            **OF_EACH_GROUP,
            "version": about("The new version's number; null after a dry run.", type=["integer", "null"]),
            "w": about("The slopes, in the form of a row of `x`."),
            "b": about("The intercept.", type="number"),
            "n": about("The number of rows with a weight above 0.", type="number"),
            "loss": about("The mean squared error of the line on the training data.", type="number"),
            "epochs": about(EPOCHS, type=["integer", "null"]),
            "converged": about("Whether the descent has reached its limit.", type="boolean"),
            "warnings": dict(WARNINGS.metadata),
            "r2": about("R² on the training data; null if y does not vary.", type=["number", "null"]),
            "replayed": about("true where an earlier request with the same key did it.", type="boolean"),
        },
    )
