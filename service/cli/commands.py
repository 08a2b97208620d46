"""The commands. One is its options, a call of the client, and how the answer is shown."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from service import __version__
from service.cli import display
from service.cli.options import DESCENT, AsJson, Columns, DataFile, Model, Name, Store, Url, Version
from service.cli.session import session

app = typer.Typer(
    help="Fit and serve linear models.",
    epilog="Exit status: 0 done, 2 wrong usage, 3 refused, 4 not found, 5 the service failed or is too busy, "
    "6 the service does not answer.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

STDOUT = Console()
STDERR = Console(stderr=True)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="The port to listen on; 0 takes a free one.")] = None,
    workers: Annotated[int | None, typer.Option(help="Worker processes.")] = None,
    threads: Annotated[int | None, typer.Option(help="Threads per worker.")] = None,
    store: Annotated[Path | None, typer.Option(help="The folder that holds the models.")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
) -> None:
    """Run the service. What is given here goes before the DESCENT_* variables, which hold all other settings."""
    from service.cli import serving

    given = {"host": host, "port": port, "workers": workers, "threads": threads, "store": store}
    serving.serve(given | {"log_level": log_level})


@app.command()
def train(
    file: DataFile,
    y: Annotated[str | None, typer.Option(help="The column of y.")] = None,
    x: Columns = None,
    weight: Annotated[str | None, typer.Option(help="The column of weights.")] = None,
    missing: Annotated[str | None, typer.Option(help="drop: leave rows with missing values out.")] = None,
    model: Model = "default",
    method: Annotated[str | None, typer.Option(help="spectral or autograd.", rich_help_panel=DESCENT)] = None,
    learning_rate: Annotated[str | None, typer.Option(help="A number, or auto.", rich_help_panel=DESCENT)] = None,
    epochs: Annotated[int | None, typer.Option(help="Steps; by default to the limit.", rich_help_panel=DESCENT)] = None,
    seed: Annotated[int | None, typer.Option(help="Start from this draw.", rich_help_panel=DESCENT)] = None,
    standardize: Annotated[bool | None, typer.Option("--standardize/--no-standardize", rich_help_panel=DESCENT)] = None,
    fit_intercept: Annotated[
        bool | None, typer.Option("--fit-intercept/--no-fit-intercept", rich_help_panel=DESCENT)
    ] = None,
    l2: Annotated[float | None, typer.Option(help="The penalty on w.", rich_help_panel=DESCENT)] = None,
    append: Annotated[bool, typer.Option("--append", help="Add the rows to the newest version's.")] = False,
    append_to: Annotated[int | None, typer.Option(help="Add the rows to this version's.", min=1)] = None,
    decay: Annotated[float | None, typer.Option(help="With --append: what earlier rows still weigh.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Fit, and save nothing.")] = False,
    url: Url = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Fit a line to a file's rows and publish it as the model's next version.

    The file is sent as it is. A JSON file is a request, {"x": …, "y": …}, with its options inside.
    """
    from service.cli.files import sending

    asked: dict[str, Any] = {
        "y": y,
        "x": x,
        "weight": weight,
        "missing": missing,
        "method": method,
        "learning_rate": learning_rate,
        "epochs": epochs,
        "seed": seed,
        "standardize": standardize,
        "fit_intercept": fit_intercept,
        "l2": l2,
        "append": append_to or append or None,
        "decay": decay,
        "dry_run": dry_run or None,
    }
    with session(url, store, as_json=as_json) as client, sending(file, STDERR) as opened:
        answer = client.train_file(opened, model=model, **asked)
    _show(answer, display.fit, as_json=as_json)


@app.command()
def predict(
    file: DataFile,
    model: Model = "default",
    version: Version = None,
    interval: Annotated[float | None, typer.Option(help="Bounds at this level, such as 0.95.")] = None,
    interval_kind: Annotated[str | None, typer.Option(help="prediction or confidence.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where to write ŷ, in the format of its suffix.", dir_okay=False)
    ] = None,
    url: Url = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Predict ŷ for a file's rows."""
    from service.cli.files import media_type_of, sending
    from service.client.exchange import JSON

    accept = media_type_of(out) if out else JSON
    asked = {"interval": interval, "interval_kind": interval_kind}
    with session(url, store, as_json=as_json) as client, sending(file, STDERR) as opened:
        pieces = client.predict_file(opened, model=model, version=version, accept=accept, **asked)
        if out is None:
            answer = json.loads(b"".join(pieces))
        else:
            first = next(pieces, b"")  # a refusal leaves the file as it was
            with out.open("wb") as written:
                written.write(first)
                written.writelines(pieces)
    if out is None:
        _show(answer, display.predictions, as_json=as_json)


@app.command("models")
def list_models(
    prefix: Annotated[str, typer.Option(help="Only those whose names begin so.")] = "",
    url: Url = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """List the models."""
    with session(url, store, as_json=as_json) as client:
        listed = list(client.models(prefix))
    _show(listed, display.models, as_json=as_json)


@app.command()
def show(name: Name, version: Version = None, url: Url = None, store: Store = None, as_json: AsJson = False) -> None:
    """Show a version: its line, its loss, and how far it is from the best line."""
    with session(url, store, as_json=as_json) as client:
        answer = client.version(name, version)
    _show(answer, display.fit, as_json=as_json)


@app.command()
def pin(
    name: Name,
    version: Annotated[int, typer.Argument(help="The version's number.", min=1)],
    url: Url = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Let a version serve, whatever is trained, until it is unpinned."""
    with session(url, store, as_json=as_json) as client:
        answer = client.pin(name, version)
    _show(answer, _say(f"{name}: version {version} is pinned"), as_json=as_json)


@app.command()
def unpin(name: Name, url: Url = None, store: Store = None, as_json: AsJson = False) -> None:
    """Let the newest version serve again."""
    with session(url, store, as_json=as_json) as client:
        answer = client.unpin(name)
    _show(answer, _say(f"{name}: the newest version serves"), as_json=as_json)


@app.command()
def rm(
    name: Name,
    version: Annotated[int | None, typer.Option(help="Only this version.", min=1)] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    url: Url = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Delete a model, or one of its versions."""
    what = f"{name} with all its versions" if version is None else f"{name}, version {version}"
    if not yes:
        _confirm(f"Delete {what}?")
    with session(url, store, as_json=as_json) as client:
        client.delete(name, version)
    _show({"model": name, "version": version, "deleted": True}, _say(f"{what}: deleted"), as_json=as_json)


@app.command("version")
def show_version(url: Url = None, store: Store = None, as_json: AsJson = False) -> None:
    """Tell the release of this command and of the service."""
    with session(url, store, as_json=as_json) as client:
        answer = {"client": __version__, "service": client.release()}
    _show(answer, _say(f"descent {__version__}, service {answer['service']}"), as_json=as_json)


def _show(answer: Any, shown: Any, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False))
    else:
        shown(answer, STDOUT)


def _say(text: str) -> Any:
    return lambda _, console: console.print(text, markup=False, highlight=False)


def _confirm(question: str) -> None:
    if not _somebody_is_there():
        raise typer.BadParameter("nobody is there to be asked; give --yes")
    typer.confirm(question, abort=True)


def _somebody_is_there() -> bool:
    return sys.stdin.isatty()
