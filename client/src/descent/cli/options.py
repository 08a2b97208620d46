"""The options that several commands share, and those that are many."""

import functools
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from descent.cli.option_groups import Options

URL_VARIABLE = "DESCENT_URL"

Method = Literal["spectral", "autograd"]
MissingValues = Literal["error", "drop"]
IntervalKind = Literal["prediction", "confidence"]
LogLevel = Literal["debug", "info", "warning", "error"]


def _in_a_folder(path: Path | None) -> Path | None:
    if path is not None and not path.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {path.parent}")
    return path


def _json(text: str | None) -> str | None:
    try:
        json.loads("null" if text is None else text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not JSON: {error}") from None
    return text


Name = Annotated[str, typer.Argument(help="The model's name.", metavar="MODEL")]
Model = Annotated[str, typer.Option(help="The model's name.")]
Version = Annotated[int | None, typer.Option(help="The version's number; by default the serving one.", min=1)]
DataFile = Annotated[
    Path,
    typer.Argument(
        help="The rows: .csv, .parquet, .arrow, .ndjson, .npy or .json.", metavar="FILE", exists=True, dir_okay=False
    ),
]
Out = functools.partial(typer.Option, dir_okay=False, writable=True, callback=_in_a_folder)
"""A file to write, whose folder has to be there before anything is sent."""

_Where = functools.partial(typer.Option, rich_help_panel="Where the models are")
_How = functools.partial(typer.Option, rich_help_panel="How to train")

X = Annotated[
    list[str] | None, typer.Option("--x", help="A column of x; once for each. By default all others.", metavar="<str>")
]
Missing = Annotated[
    MissingValues | None, typer.Option(help="What becomes of rows with missing values; by default error.")
]


@dataclass(frozen=True)
class Common(Options):
    """The options of all commands that speak to a service or work on a folder."""

    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")] = False
    url: Annotated[str | None, _Where(help=f"The service; by default ${URL_VARIABLE}, else http://127.0.0.1:8000.")] = (
        None
    )
    store: Annotated[Path | None, _Where(help="A folder of models to work on without a service.", file_okay=False)] = (
        None
    )


@dataclass(frozen=True)
class Columns(Options):
    """How to read rows that have a y."""

    y: Annotated[str | None, typer.Option(help="The column of y; by default the one named y.")] = None
    x: X = None
    weight: Annotated[str | None, typer.Option(help="The column of weights.")] = None
    missing: Missing = None


@dataclass(frozen=True)
class Descent(Options):
    """How to train."""

    method: Annotated[Method | None, _How(help="spectral, by default, or autograd.", metavar="<name>")] = None
    learning_rate: Annotated[str | None, _How(help="A number, or auto.")] = None
    epochs: Annotated[int | None, _How(help="Steps to take; by default, as many as reach the limit.")] = None
    seed: Annotated[int | None, _How(help="Start from this draw.")] = None
    initial: Annotated[
        str | None, _How(help='Start from this line, such as {"w": 0.5, "b": 1}.', metavar="<json>", callback=_json)
    ] = None
    standardize: Annotated[
        bool | None,
        _How(
            "--standardize/--no-standardize",
            help="Descend on centred and scaled columns; by default if the learning rate is auto.",
        ),
    ] = None
    fit_intercept: Annotated[
        bool | None, _How("--fit-intercept/--no-fit-intercept", help="Fit b, as by default, or keep it at 0.")
    ] = None
    l2: Annotated[float | None, _How(help="The penalty on w.")] = None


def asked(*groups: Options, **others: Any) -> dict[str, Any]:
    """What was given of the options in `groups` and of `others`, by the names that the service has for them."""
    given = {name: value for group in groups for name, value in asdict(group).items()} | others
    return {name: value for name, value in given.items() if value is not None}
