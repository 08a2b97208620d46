"""The options that several commands share, and those that are many."""

import functools
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from service.cli.application import Options

PLACE = "Where the models are"
DESCENT = "How to train"
URL_VARIABLE = "DESCENT_URL"

Method = Literal["spectral", "autograd"]
MissingValues = Literal["refuse", "drop"]
IntervalKind = Literal["prediction", "confidence"]
LogLevel = Literal["debug", "info", "warning", "error"]


def _in_a_folder(path: Path | None) -> Path | None:
    if path is not None and not path.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {path.parent}")
    return path


def _json(text: str | None) -> str | None:
    try:
        json.loads(text or "{}")
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
"""A file to write, whose folder has to be there before anything is asked."""

X = Annotated[
    list[str] | None, typer.Option("--x", help="A column of x; once for each. By default all others.", metavar="<str>")
]
Missing = Annotated[
    MissingValues | None, typer.Option(help="What becomes of rows with missing values; by default refuse.")
]


@dataclass(frozen=True)
class Common(Options):
    """The options of all commands that speak to a service or work on a folder."""

    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")] = False
    url: Annotated[
        str | None,
        typer.Option(
            help=f"The service; by default ${URL_VARIABLE}, else http://127.0.0.1:8000.", rich_help_panel=PLACE
        ),
    ] = None
    store: Annotated[
        Path | None,
        typer.Option(help="A folder of models to work on without a service.", rich_help_panel=PLACE, file_okay=False),
    ] = None


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

    method: Annotated[
        Method | None,
        typer.Option(help="spectral, by default, or autograd.", metavar="<name>", rich_help_panel=DESCENT),
    ] = None
    learning_rate: Annotated[str | None, typer.Option(help="A number, or auto.", rich_help_panel=DESCENT)] = None
    epochs: Annotated[
        int | None,
        typer.Option(help="Steps to take; by default, as many as reach the limit.", rich_help_panel=DESCENT),
    ] = None
    seed: Annotated[int | None, typer.Option(help="Start from this draw.", rich_help_panel=DESCENT)] = None
    initial: Annotated[
        str | None,
        typer.Option(
            help='Start from this line, such as {"w": 0.5, "b": 1}.',
            metavar="<json>",
            callback=_json,
            rich_help_panel=DESCENT,
        ),
    ] = None
    standardize: Annotated[
        bool | None,
        typer.Option(
            "--standardize/--no-standardize",
            help="Descend on centred and scaled columns; by default with the learning rate auto.",
            rich_help_panel=DESCENT,
        ),
    ] = None
    fit_intercept: Annotated[
        bool | None,
        typer.Option(
            "--fit-intercept/--no-fit-intercept",
            help="Fit b, or keep it at 0; by default fit it.",
            rich_help_panel=DESCENT,
        ),
    ] = None
    l2: Annotated[float | None, typer.Option(help="The penalty on w.", rich_help_panel=DESCENT)] = None


def asked(*groups: Options, **others: Any) -> dict[str, Any]:
    """What was given of the options in `groups` and of `others`, by the names that the service has for them."""
    given = {name: value for group in groups for name, value in asdict(group).items()} | others
    return {name: value for name, value in given.items() if value is not None}
