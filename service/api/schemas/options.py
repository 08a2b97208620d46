"""The options of training and prediction."""

from typing import Any

from marshmallow import ValidationError, validates_schema

from service.api.schemas import fields
from service.api.schemas.base import RequestSchema
from service.core.descent import MAX_EPOCHS
from service.formats.arrays import MAX_MAGNITUDE

SMALLEST = 1e-6
"""The smallest decay, and the smallest distance of an interval's probability from 0 and 1."""
WORDS = {"epochs": "converged", "initial": "zeros", "standardize": "auto"}
"""The words for the options whose default in Options is None."""


class FitOptions(RequestSchema):
    """How to fit. The OpenAPI document has no defaults of these options, because an append inherits omitted ones."""

    method = fields.Choice(
        'The algorithm: `"spectral"` computes the path of gradient descent in closed form; `"autograd"` runs the steps '
        "with torch's `backward()`, at most `DESCENT_MAX_AUTOGRAD_EPOCHS` of them.",
        ["spectral", "autograd"],
    )
    learning_rate = fields.LearningRate(
        'The step size: a positive number, or `"auto"` for 1/λmax, half of the largest stable learning rate.'
    )
    epochs = fields.OrWord(
        fields.Integer(
            'The number of steps, 0 to 2⁵³−1, or `"converged"`. The response\'s `epochs` is the number of steps that '
            "convergence takes.",
            bounds=(0, MAX_EPOCHS),
        ),
        WORDS["epochs"],
    )
    initial = fields.OrWord(
        fields.InitialCoefficients('The start: `"zeros"`, or `{"w": …, "b": 0}` with `w` in the form of a row of `x`.'),
        WORDS["initial"],
    )
    seed = fields.Integer(
        "Starts from `torch.manual_seed(seed); torch.randn(d)` for d columns and b = 0, instead of from `initial`.",
        bounds=(0, 2**63 - 1),
    )
    standardize = fields.OrWord(
        fields.Boolean(
            "Whether to centre and scale the columns for the descent, which changes the path but not the limit. "
            '`"auto"`: true if `learning_rate` is `"auto"`, else false.'
        ),
        WORDS["standardize"],
    )
    fit_intercept = fields.Boolean("Whether to fit the intercept b; false: b is 0.")
    l2 = fields.Number(
        "The strength of the ridge penalty l2·‖w‖², which is added to the mean squared error. The intercept is not "
        "penalised. scikit-learn's `alpha` is n·l2.",
        bounds=(0, MAX_MAGNITUDE),
    )

    @validates_schema
    def _check_start(self, data: dict[str, Any], **kwargs: Any) -> None:
        if "seed" in data and data.get("initial") is not None:
            raise ValidationError("excludes initial; give one of them", "seed")


class ContinueOptions(RequestSchema):
    """How a training relates to the existing versions."""

    append = fields.BooleanOrVersion(
        "`true` continues the newest version with these rows, a number the version with that number. The result "
        "equals a training on all rows, at the cost of the new ones. Omitted options are inherited.",
        load_default=False,
    )
    decay = fields.Number(
        "For an append: the factor by which the weights of all earlier rows are multiplied; 1 keeps them.",
        bounds=(SMALLEST, 1),
        load_default=1.0,
    )
    dry_run = fields.Boolean(
        "Whether to return the fit with status 200 without publishing it. A learning rate that diverges is then "
        "accepted, and the response shows the divergence.",
        load_default=False,
    )


class TrainOptions(ContinueOptions, FitOptions):
    """All options of a training."""


class RowOptions(RequestSchema):
    """How to read rows."""

    missing = fields.Choice(
        'Rows with a missing value (null, NaN or empty): `"error"` rejects the request, `"drop"` leaves the rows out '
        "and returns their number as `dropped`.",
        ["error", "drop"],
        load_default="error",
    )


class CsvOptions(RequestSchema):
    """How CSV is written."""

    delimiter = fields.Separator(
        "The delimiter of CSV: one ASCII character, or `tab`. Default: a comma; a tab for `text/tab-separated-values`.",
        ascii_only=True,
    )
    decimal = fields.Choice("The decimal separator of CSV: `.`, the default, or `,`.", [".", ","])
    thousands = fields.Separator(
        "The thousands separator of CSV, such as `,`, which is removed from numbers such as 178,000. Default: none."
    )


class MatchOptions(RequestSchema):
    """How to match columns with those of the model."""

    strict = fields.Boolean(
        "Whether to refuse columns that the model does not have, which are ignored by default.", load_default=False
    )


class PredictOptions(RequestSchema):
    """Results besides the predictions."""

    interval = fields.Number(
        "Adds `lower` and `upper`, the bounds of an interval with this probability, such as 0.95.",
        bounds=(SMALLEST, 1 - SMALLEST),
    )
    interval_kind = fields.Choice(
        'The kind of interval: for a new y (`"prediction"`, the default), or for the mean of y (`"confidence"`).',
        ["prediction", "confidence"],
    )
    explain = fields.Boolean(
        "Adds `contributions`: w·(x − mean) for each column. Their sum is ŷ − `mean_prediction`.", load_default=False
    )

    @validates_schema
    def _check_interval_kind(self, data: dict[str, Any], **kwargs: Any) -> None:
        if "interval_kind" in data and "interval" not in data:
            raise ValidationError("needs interval; give interval too, such as 0.95", "interval_kind")
