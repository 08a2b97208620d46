"""The commands. One is its options, a call of the client, and how the answer is shown."""

import json
from pathlib import Path
from typing import Annotated

import typer

from descent import __version__
from descent.cli import display
from descent.cli.option_groups import Commands, command
from descent.cli.options import (
    Columns,
    Common,
    DataFile,
    Descent,
    IntervalKind,
    LogLevel,
    Missing,
    Model,
    Name,
    Out,
    Version,
    X,
    asked,
)
from descent.cli.session import session
from descent.cli.terminal import STDERR, confirm, saying, show

app = typer.Typer(
    cls=Commands,
    epilog="Exit status: 0 done; 1 not confirmed, or a fault of the command itself; 2 wrong usage; 3 refused; "
    "4 not found; 5 the service failed or is too busy; 6 the service does not answer.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _tell_release(wanted: bool) -> None:
    if wanted:
        typer.echo(f"descent {__version__}")
        raise typer.Exit


@app.callback()
def main(
    _version: Annotated[
        bool, typer.Option("--version", callback=_tell_release, is_eager=True, help="Tell the release of this command.")
    ] = False,
) -> None:
    """Fit and serve linear models."""


@command(app)
def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="The port to listen on; 0 takes a free one.")] = None,
    workers: Annotated[int | None, typer.Option(help="Worker processes.")] = None,
    threads: Annotated[int | None, typer.Option(help="Threads per worker.")] = None,
    store: Annotated[Path | None, typer.Option(help="The folder that holds the models.")] = None,
    log_level: Annotated[LogLevel | None, typer.Option(help="The least level that is logged.")] = None,
) -> None:
    """Run the service. Options override the DESCENT_* variables, which hold all other settings."""
    from descent.cli import server_process

    given = {"host": host, "port": port, "workers": workers, "threads": threads, "store": store}
    server_process.serve(given | {"log_level": log_level})


@command(app)
def train(
    file: DataFile,
    *,
    columns: Columns,
    model: Model = "default",
    append: Annotated[bool | None, typer.Option("--append", help="Add the rows to the newest version's.")] = None,
    append_to: Annotated[int | None, typer.Option(help="Add the rows to this version's.", min=1)] = None,
    decay: Annotated[float | None, typer.Option(help="With --append: what earlier rows still weigh.")] = None,
    dry_run: Annotated[bool | None, typer.Option("--dry-run", help="Fit, and save nothing.")] = None,
    descent: Descent,
    common: Common,
) -> None:
    """Fit a line to a file's rows and publish it as the model's next version.

    The file is sent as it is. A .json file is a request, {"x": …, "y": …}, with its options inside.
    """
    from descent.cli.files import file_of, watched

    options = asked(columns, descent, append=append_to or append, decay=decay, dry_run=dry_run)
    rows = file_of(file, options)
    with session(common, creates=True) as client, watched(rows, STDERR) as sent:
        answer = client.train_file(sent, model=model, **options)
    show(answer, display.fit, as_json=common.as_json)


@command(app)
def predict(
    file: DataFile,
    *,
    model: Model = "default",
    version: Version = None,
    x: X = None,
    missing: Missing = None,
    interval: Annotated[float | None, typer.Option(help="Bounds at this level, such as 0.95.")] = None,
    interval_kind: Annotated[
        IntervalKind | None, typer.Option(help="Of a new y, or of the line; by default prediction.")
    ] = None,
    explain: Annotated[bool | None, typer.Option("--explain", help="Tell each column's part in ŷ.")] = None,
    out: Annotated[Path | None, Out(help="Where to write ŷ, in the format of its suffix.")] = None,
    common: Common,
) -> None:
    """Predict ŷ for a file's rows."""
    from descent.cli.files import file_of, media_type_of, watched, write
    from descent.exchange import JSON

    options = asked(x=x, missing=missing, interval=interval, interval_kind=interval_kind, explain=explain)
    rows, accept = file_of(file, options), media_type_of(out) if out else JSON
    with session(common) as client, watched(rows, STDERR) as sent:
        pieces = client.predict_file(sent, model=model, version=version, accept=accept, **options)
        if out is None:
            answer = json.loads(b"".join(pieces))
        else:
            write(out, pieces)
    if out is None:
        show(answer, display.predictions, as_json=common.as_json)


@command(app)
def evaluate(
    file: DataFile, *, columns: Columns, model: Model = "default", version: Version = None, common: Common
) -> None:
    """Compare a version's predictions for a file's rows with their y."""
    from descent.cli.files import file_of, watched

    options = asked(columns)
    rows = file_of(file, options)
    with session(common) as client, watched(rows, STDERR) as sent:
        answer = client.evaluate_file(sent, model=model, version=version, **options)
    show(answer, display.evaluation, as_json=common.as_json)


@command(app, "models")
def list_models(
    *, prefix: Annotated[str, typer.Option(help="Only names that begin with this.")] = "", common: Common
) -> None:
    """List the models."""
    with session(common) as client:
        listed = list(client.models(prefix))
    show(listed, display.models, as_json=common.as_json)


@command(app, "show")
def show_model(name: Name, *, version: Version = None, common: Common) -> None:
    """Show a version: its line, its loss, and how far it is from the best line."""
    with session(common) as client:
        answer = client.version(name, version)
    show(answer, display.fit, as_json=common.as_json)


@command(app)
def history(name: Name, *, version: Version = None, common: Common) -> None:
    """Show the loss curve of a version: the losses after so many epochs."""
    with session(common) as client:
        answer = client.history(name, version)
    show(answer, display.history, as_json=common.as_json)


@command(app)
def download(
    name: Name,
    *,
    version: Version = None,
    out: Annotated[Path, Out(help="Where to write it.")],
    common: Common,
) -> None:
    """Download the TorchScript file of a version, by default of the serving one."""
    from descent.cli.files import write

    with session(common) as client:
        version = version or client.model(name)["serving"]
        artifact = client.artifact(name, version)
    write(out, iter([artifact]))
    answer = {"model": name, "version": version, "out": str(out)}
    show(answer, saying(f"{name}, version {version}: written to {out}"), as_json=common.as_json)


@command(app)
def pin(
    name: Name,
    version: Annotated[int, typer.Argument(help="The version's number.", metavar="VERSION", min=1)],
    *,
    common: Common,
) -> None:
    """Let a version serve, whatever is trained, until it is unpinned."""
    with session(common) as client:
        answer = client.pin(name, version)
    show(answer, saying(f"{name}: version {version} is pinned"), as_json=common.as_json)


@command(app)
def unpin(name: Name, *, common: Common) -> None:
    """Let the newest version serve again."""
    with session(common) as client:
        answer = client.unpin(name)
    show(answer, saying(f"{name}: the newest version serves"), as_json=common.as_json)


@command(app)
def rm(
    name: Name,
    *,
    version: Annotated[int | None, typer.Option(help="Only this version.", min=1)] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    common: Common,
) -> None:
    """Delete a model, or one of its versions."""
    what = f"{name} with all its versions" if version is None else f"{name}, version {version}"
    if not yes:
        confirm(f"Delete {what}?")
    with session(common) as client:
        client.delete(name, version)
    show({"model": name, "version": version, "deleted": True}, saying(f"{what}: deleted"), as_json=common.as_json)


@command(app, "version")
def show_version(*, common: Common) -> None:
    """Tell the release of this command and of the service."""
    with session(common) as client:
        answer = {"client": __version__, "service": client.release()}
    show(answer, saying(f"descent {__version__}, service {answer['service']}"), as_json=common.as_json)
