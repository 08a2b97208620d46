"""The options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

PLACE = "Where the models are"
DESCENT = "How to train"
URL_VARIABLE = "DESCENT_URL"

Url = Annotated[
    str | None,
    typer.Option(help=f"The service; by default ${URL_VARIABLE}, else http://127.0.0.1:8000.", rich_help_panel=PLACE),
]
Store = Annotated[
    Path | None,
    typer.Option(help="A folder of models to work on without a service.", rich_help_panel=PLACE, file_okay=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")]
Name = Annotated[str, typer.Argument(help="The model's name.", metavar="MODEL")]
Model = Annotated[str, typer.Option(help="The model's name.")]
Version = Annotated[int | None, typer.Option(help="The version's number; by default the serving one.", min=1)]
DataFile = Annotated[
    Path, typer.Argument(help="The rows: .csv, .parquet, .arrow, .ndjson, .npy or .json.", exists=True, dir_okay=False)
]
Columns = Annotated[list[str] | None, typer.Option("--x", help="A column of x; once for each. By default all others.")]
