"""The options of trainings and predictions: how each is read, what it means, and the README's tables of them."""

import json
from typing import Any

import marshmallow
from marshmallow import ValidationError, validates_schema

from service.api.schemas.base import Request
from service.api.schemas.fields import Choice, Flag, FlagOrVersion, InitialLine, Rate, Real, Whole
from service.core.descent import MAX_EPOCHS
from service.formats.arrays import MAX_MAGNITUDE
from service.training.fit import Options

SMALLEST_LEVEL = 1e-6
SMALLEST_DECAY = 1e-6


class FitOptions(Request):
    """How to fit. Defaults are told and not filled in: in an append, what is not given is inherited."""

    method = Choice(
        'How to descend: `"spectral"` computes the path in closed form; `"autograd"` walks it over the rows with '
        "torch's `backward()`, for at most `DESCENT_MAX_AUTOGRAD_EPOCHS` steps.",
        ["spectral", "autograd"],
        default=Options.method,
    )
    learning_rate = Rate(
        'The size of a step: a positive number, or `"auto"` for 1/λmax, half the largest stable rate.',
        default=Options.learning_rate,
    )
    epochs = Whole(
        "How many steps to take, 0 to 2⁵³−1; null goes to where the descent ends, and the answer's `epochs` says "
        "how many steps that takes.",
        least=0,
        most=MAX_EPOCHS,
        allow_none=True,
        default=Options.epochs,
    )
    initial = InitialLine(
        'Where to start: `{"w": …, "b": 0}`, with `w` in the form of a row of `x`; null starts from zeros.',
        allow_none=True,
        default=Options.initial,
    )
    seed = Whole(
        "Start from `torch.manual_seed(seed); torch.randn(d)` for d columns, and b = 0, instead of from `initial`.",
        least=0,
        most=2**63 - 1,
        allow_none=True,
        default=Options.seed,
    )
    standardize = Flag(
        "Whether to descend on centred and scaled columns, which changes the path but never where it ends; null means "
        'true if `learning_rate` is `"auto"`, else false.',
        allow_none=True,
        default=Options.standardize,
    )
    fit_intercept = Flag("Whether to fit the intercept b; false keeps it at 0.", default=Options.fit_intercept)
    l2 = Real(
        "How strong the penalty is: l2·‖w‖² is added to the mean squared error. The intercept is not penalised.",
        least=0,
        most=MAX_MAGNITUDE,
        default=Options.l2,
    )

    @validates_schema
    def _one_start(self, data: dict[str, Any], **kwargs: Any) -> None:
        if data.get("seed") is not None and data.get("initial") is not None:
            raise ValidationError("says where to start, as initial does; give one of them", "seed")


class ContinueOptions(Request):
    """What a training does with the versions that are there."""

    append = FlagOrVersion(
        "`true` continues the newest version with these rows, a number the version with that number; the result is "
        "exactly that of training on all rows at once, at the cost of the new ones alone. Options that are not given "
        "are inherited.",
        load_default=False,
    )
    decay = Real(
        "In an append, what the weight of every earlier row is multiplied by first; 1 leaves it as it is.",
        least=SMALLEST_DECAY,
        most=1,
        load_default=1.0,
    )
    dry_run = Flag(
        "Whether to answer with the fit (status 200) but publish nothing; a learning rate that diverges is then not "
        "refused, and the answer shows how it diverges.",
        load_default=False,
    )


class TrainOptions(ContinueOptions, FitOptions):
    """How to train."""


class RowOptions(Request):
    """How to read rows."""

    missing = Choice(
        'What to do with rows that lack a value (null, NaN or empty): `"error"` the request, or `"drop"` those '
        "rows and answer how many were `dropped`.",
        ["error", "drop"],
        load_default="error",
    )


class PredictOptions(Request):
    """What to answer beside predictions."""

    interval = Real(
        "Adds `lower` and `upper`, the bounds of an interval with this probability, such as 0.95; null adds none.",
        least=SMALLEST_LEVEL,
        most=1 - SMALLEST_LEVEL,
        load_default=None,
        allow_none=True,
    )
    interval_kind = Choice(
        'What the interval holds with that probability: a new y (`"prediction"`), or the mean of y (`"confidence"`).',
        ["prediction", "confidence"],
        load_default="prediction",
    )
    explain = Flag(
        "Adds `contributions`: w·(x − mean) for each column, which add up to ŷ − `mean_prediction`.",
        load_default=False,
    )

    @validates_schema(pass_original=True)
    def _kind_of_an_interval(self, data: dict[str, Any], given: dict[str, Any], **kwargs: Any) -> None:
        if "interval_kind" in given and data["interval"] is None:
            raise ValidationError("is for an interval; send interval too", "interval_kind")


def table(*schemas: type[marshmallow.Schema]) -> str:
    """The options among the fields of `schemas`, those that may be left out, as a Markdown table."""
    rows = ["| option | default | meaning |", "| --- | --- | --- |"]
    for schema in schemas:
        for name, field in schema().fields.items():
            if not field.required:
                default = json.dumps(field.metadata.get("default", field.load_default))
                rows.append(f"| `{name}` | `{default}` | {field.metadata['description']} |")
    return "\n".join(rows) + "\n"
