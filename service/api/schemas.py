"""What the routes take and answer. Data goes through vectorised fields, options through marshmallow's."""

import difflib
import itertools
from typing import Any, NoReturn

from marshmallow import RAISE, Schema, ValidationError, fields, post_load, validate, validates_schema

from service.api.fields import Flag, InitialLine, Names, Rate, Real, Rows, Vector, Whole
from service.core.descent import MOST_EPOCHS
from service.errors import Fault, InvalidRequest
from service.formats import rows
from service.formats.arrays import escape
from service.formats.source import Source
from service.store.contract import NAME, NAME_RULE

MOST_FAULTS = 10
LONGEST_NAME = 100


class Request(Schema):
    """A schema whose faults are an InvalidRequest that points at the fields and names the nearest known one."""

    class Meta:
        unknown = RAISE

    def handle_error(self, error: ValidationError, data: Any, **kwargs: Any) -> NoReturn:
        if not isinstance(error.messages, dict) or ("_schema" in error.messages and not isinstance(data, dict)):
            raise InvalidRequest.at("", 'is no object; send one such as {"x": [1, 2]}')
        named = itertools.islice(error.messages.items(), MOST_FAULTS)
        faults = [self._fault(name, messages, data) for name, messages in named]
        raise InvalidRequest("; ".join(f"{fault.pointer}: {fault.detail}" for fault in faults), faults)

    def _fault(self, name: str, messages: Any, data: Any) -> Fault:
        if name not in self.fields:
            return Fault(f"/{escape(name[:LONGEST_NAME])}", f"is not a field here; {self._known_field(name)}")
        return Fault(f"/{escape(name)}", " ".join(messages) if isinstance(messages, list) else str(messages))

    def _known_field(self, name: str) -> str:
        if not self.fields:
            return "there are none"
        near = difflib.get_close_matches(name[:LONGEST_NAME], self.fields, n=1, cutoff=0.5)
        return f"the nearest is {near[0]!r}" if near else f"the fields are {', '.join(self.fields)}"


class ModelQuery(Request):
    """The model of a route whose path names none."""

    model = fields.String(
        load_default="default", validate=validate.Regexp(f"^(?:{NAME.pattern})$", error=f"Give {NAME_RULE}.")
    )


class ModelsQuery(Request):
    """Which models to list."""

    prefix = fields.String(load_default="")
    limit = Whole(least=1, most=1000, load_default=100, in_query=True)
    page_token = fields.String(load_default="")


class NoQuery(Request):
    """A route without a query."""


class TrainOptions(Request):
    """How to train."""

    method = fields.String(
        load_default="spectral", validate=validate.OneOf(["spectral", "autograd"], error="Give one of: {choices}.")
    )
    learning_rate = Rate(load_default="auto")
    epochs = Whole(least=0, most=MOST_EPOCHS, load_default=None, allow_none=True)
    seed = Whole(least=0, most=2**63 - 1, load_default=None, allow_none=True)
    initial = InitialLine(load_default=None, allow_none=True)
    standardize = Flag(load_default=None, allow_none=True)
    fit_intercept = Flag(load_default=True)
    l2 = Real(least=0, load_default=0.0)

    @validates_schema
    def _one_start(self, data: dict[str, Any], **kwargs: Any) -> None:
        if data["seed"] is not None and data["initial"] is not None:
            raise ValidationError("Give either seed or initial: both say where to start.", "seed")


class RowOptions(Request):
    """How to read rows."""

    missing = fields.String(
        load_default="refuse", validate=validate.OneOf(["refuse", "drop"], error="Give one of: {choices}.")
    )


class LabelledRequest(RowOptions):
    """Rows of x and their y in JSON; loaded, they are `rows`."""

    x = Rows(required=True)
    y = Vector(required=True)
    sample_weight = Vector(load_default=None, allow_none=True)

    @post_load
    def _join(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        parts = (data.pop(name) for name in ("x", "y", "sample_weight", "missing"))
        return data | {"rows": rows.of_table(*parts)}


class Table(RowOptions):
    """The query that goes with a table for a body."""

    def with_rows(self, options: dict[str, Any], source: Source) -> dict[str, Any]:
        """The loaded `options`, the choice of columns among them made into `rows` of `source`."""
        raise NotImplementedError


class LabelledTable(Table):
    """Which columns of a table are x, y and weights."""

    x = Names(load_default=None)
    y = fields.String(load_default="y")
    weight = fields.String(load_default=None)

    def with_rows(self, options: dict[str, Any], source: Source) -> dict[str, Any]:
        x, y, weight, missing = (options.pop(name) for name in ("x", "y", "weight", "missing"))
        return options | {"rows": rows.labelled(source, rows.Choice(x, y, weight), missing)}


class UnlabelledTable(Table):
    """Which columns of a table are x."""

    x = Names(load_default=None)

    def with_rows(self, options: dict[str, Any], source: Source) -> dict[str, Any]:
        x, missing = (options.pop(name) for name in ("x", "missing"))
        return options | {"rows": rows.unlabelled(source, x, missing)}


class TrainRequest(LabelledRequest, TrainOptions):
    """Rows of x, their y, and how to train."""


class TrainTable(LabelledTable, TrainOptions):
    """A table to train on, and how to."""


class PredictOptions(Request):
    """How to predict."""


class PredictRequest(RowOptions, PredictOptions):
    """Rows of x; loaded, with the `sieve` that has gone over them."""

    x = Rows(required=True)

    @post_load
    def _sift(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        sieve = rows.Sieve(data.pop("missing"))
        return data | {"x": sieve.sift_table(data["x"]), "sieve": sieve}


class PredictTable(UnlabelledTable, PredictOptions):
    """A table to predict for."""


class Artifact(Schema):
    """The TorchScript file of a version."""

    href = fields.String()
    sha256 = fields.String()
    bytes = fields.Integer()


class Curve(Schema):
    """A loss curve: the losses after so many epochs; the penalised objective too where there is a penalty."""

    epoch = fields.Raw()
    loss = fields.Raw()
    objective = fields.Raw()


class StandardErrors(Schema):
    """Standard errors of the best line's coefficients."""

    w = fields.Raw()
    b = fields.Raw()


class OptimumAnswer(Schema):
    """The best line there is for the data, and what the data says of it."""

    w = fields.Raw()
    b = fields.Raw()
    loss = fields.Raw()
    rss = fields.Raw()
    degrees_of_freedom = fields.Raw()
    r2 = fields.Raw(allow_none=True)
    std_errors = fields.Nested(StandardErrors, allow_none=True)
    undefined = fields.String(allow_none=True)


class FitAnswer(Schema):
    """A version: the line, how descent came to it, and how far that is from the best one."""

    model = fields.String()
    version = fields.Integer()
    serving = fields.Integer()
    w = fields.Raw()
    b = fields.Raw()
    columns = fields.List(fields.String())
    n = fields.Raw()
    loss = fields.Raw()
    objective = fields.Raw()
    initial_loss = fields.Raw()
    epochs = fields.Raw(allow_none=True)
    converged = fields.Boolean()
    options = fields.Raw()
    largest_stable_learning_rate = fields.Raw(allow_none=True)
    optimum = fields.Nested(OptimumAnswer)
    history = fields.Nested(Curve)
    warnings = fields.Raw()
    dropped = fields.Integer()
    trained_at = fields.Raw()
    artifact = fields.Nested(Artifact)


class PredictAnswer(Schema):
    """ŷ for every row of x; one number for a bare row."""

    model = fields.String()
    version = fields.Integer()
    y = fields.Raw()
    dropped = fields.Integer()


class HistoryAnswer(Curve):
    """The loss curve of a version."""

    model = fields.String()
    version = fields.Integer()


class ModelAnswer(Schema):
    """A model and its versions."""

    model = fields.String()
    serving = fields.Integer()
    versions = fields.List(fields.Integer())


class ModelsAnswer(Schema):
    """Models in order of name; `next_page_token` asks for those after them."""

    models = fields.List(fields.Nested(ModelAnswer))
    next_page_token = fields.String()
