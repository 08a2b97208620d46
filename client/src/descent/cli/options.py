"""The options that commands share."""

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import click

from descent.cli.option_groups import grouped_option, option_group
from descent.connection import DEFAULT_MODEL, DEFAULT_URL
from descent.options import Decimal, IntervalKind, Method, Missing

URL_VARIABLE = "DESCENT_URL"

PORT = click.IntRange(0, 65_535)
POSITIVE = click.IntRange(min=1)
LogLevel = Literal["debug", "info", "warning", "error"]


class OrWord(click.ParamType[Any]):
    """A value that `parse` reads, or a word, which is sent as it is."""

    def __init__(self, name: str, parse: Callable[[str], Any], word: str) -> None:
        self.name, self._parse, self._word = name, parse, word

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the value or the word."""
        try:
            return value if value == self._word else self._parse(value)
        except ValueError:
            self.fail(f"{value!r} is neither {self.name} nor {self._word}", param, ctx)


def _check_folder(_ctx: click.Context, _param: click.Parameter, path: Path | None) -> Path | None:
    if path is not None and not path.parent.is_dir():
        raise click.BadParameter(f"folder {path.parent} does not exist")
    return path


_where = grouped_option("Service or folder of models")
_training = grouped_option("Training")
_columns = grouped_option("Columns and rows")
_csv = grouped_option("CSV files")

name_argument = click.argument("name", metavar="MODEL")
version_argument = click.argument("version", type=POSITIVE)
file_argument = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
model_option = click.option("--model", default=DEFAULT_MODEL, show_default=True, help="Name of the model.")
version_option = click.option("--version", type=POSITIVE, help="Number of the version; by default the serving one.")

out_option = functools.partial(
    click.option, "--out", type=click.Path(dir_okay=False, writable=True, path_type=Path), callback=_check_folder
)
"""A file to write. Its folder is checked before anything is sent."""

x_option = _columns("--x", multiple=True, help="Column to use as a feature; repeat for each. By default all others.")
missing_option = _columns(
    "--missing",
    type=click.Choice(get_args(Missing)),
    help="Refuse rows with missing values (error, the default) or leave them out (drop).",
)
csv_options = option_group(
    _csv("--delimiter", help="Delimiter, such as ; or tab; by default a comma, in .tsv files a tab."),
    _csv("--decimal", type=click.Choice(get_args(Decimal)), help="Decimal separator; by default a point."),
    _csv("--thousands", help="Thousands separator, which is removed from numbers; by default none."),
)
"""How a CSV file is written."""

column_options = option_group(
    _columns("--y", help='Column of observed values; by default "y".'),
    x_option,
    _columns("--weight", help="Column of weights; by default all rows have the same weight."),
    missing_option,
)
"""Columns of rows that have a y."""

training_options = option_group(
    _training(
        "--method",
        type=click.Choice(get_args(Method)),
        help="Compute the path of the descent in closed form (spectral, the default) or run it with torch (autograd).",
    ),
    _training(
        "--learning-rate",
        metavar="NUMBER|auto",
        type=OrWord("a number", float, "auto"),
        help="Step size; auto by default.",
    ),
    _training(
        "--epochs",
        metavar="NUMBER|converged",
        type=OrWord("a whole number", int, "converged"),
        help="Number of steps; by default, run to convergence.",
    ),
    _training("--seed", type=click.IntRange(min=0), help="Seed of a random start."),
    _training(
        "--initial",
        metavar="JSON|zeros",
        type=OrWord("JSON", json.loads, "zeros"),
        help='Start of the descent, such as \'{"w": 0.5, "b": 1}\'.',
    ),
    _training(
        "--standardize/--no-standardize",
        default=None,
        help="Descend on centred and scaled columns; by default if the learning rate is auto.",
    ),
    _training(
        "--fit-intercept/--no-fit-intercept", default=None, help="Fit the intercept b (default), or keep it at 0."
    ),
    _training("--l2", type=float, help="Penalty on the squared coefficients; 0 by default."),
    _training("--append", is_flag=True, default=None, help="Add the rows to those of the newest version."),
    _training("--append-to", type=POSITIVE, help="Add the rows to those of the version with this number."),
    _training("--decay", type=float, help="With --append: factor on the weights of all earlier rows."),
    _training("--dry-run", is_flag=True, default=None, help="Fit without publishing a version."),
)
"""Options of training."""

group_options = option_group(
    _columns("--group", help="Column of labels: use a model for each label instead of --model."),
    _columns("--prefix", help="Name of a group's model before the label; empty by default."),
)
"""Groups of rows, each with a model."""

strict_option = _columns(
    "--strict", is_flag=True, default=None, help="Refuse columns that the model does not have, which are ignored else."
)

prediction_options = option_group(
    x_option,
    missing_option,
    strict_option,
    click.option("--interval", type=float, help="Add the interval with this probability, such as 0.95."),
    click.option(
        "--interval-kind",
        type=click.Choice(get_args(IntervalKind)),
        help="Interval of a new y (prediction, the default) or of the mean of y (confidence).",
    ),
    click.option("--explain", is_flag=True, default=None, help="Add the contribution of each column."),
)
"""Rows to predict from, and results to add."""


@dataclass(frozen=True)
class Target:
    """Where a command finds models, and how it prints its result."""

    url: str | None
    store: Path | None
    as_json: bool


def target_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add --url, --store and --json to a command, which receives them as its parameter `target`."""

    @functools.wraps(function)
    def with_target(*, url: str | None, store: Path | None, as_json: bool, **parameters: Any) -> None:
        if url and store:
            raise click.UsageError("give either --url or --store, not both")
        function(target=Target(url, store, as_json), **parameters)

    return option_group(
        click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs."),
        _where("--url", help=f"URL of the service; by default ${URL_VARIABLE}, else {DEFAULT_URL}."),
        _where(
            "--store",
            type=click.Path(file_okay=False, path_type=Path),
            help="Folder of models to use without a running service; needs the service's package.",
        ),
    )(with_target)


def given(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that were given on the command line."""
    return {name: value for name, value in options.items() if value is not None and value != ()}
