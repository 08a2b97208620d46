"""Files of data: what their names say of them, and how far an upload got."""

import contextlib
from collections.abc import Collection, Iterator
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

from descent import File
from descent.data import ARROW, NPY
from descent.exchange import JSON

MEDIA_TYPES = {
    ".csv": "text/csv",
    ".parquet": "application/vnd.apache.parquet",
    ".arrow": ARROW,
    ".arrows": ARROW,
    ".ndjson": "application/x-ndjson",
    ".jsonl": "application/x-ndjson",
    ".npy": NPY,
    ".json": JSON,
}
ENCODINGS = {".gz": "gzip", ".zst": "zstd"}

WORTH_A_BAR = 1 << 20
"""Bytes. Smaller files are sent before a bar could be read."""


NAMES_IN_JSON = {"weight": "sample_weight"}
"""Of options that a request in JSON has under another name."""


def media_type_of(path: Path) -> str:
    """The media type of a file by the end of its name; a BadParameter if that tells nothing."""
    try:
        return MEDIA_TYPES[path.suffix.lower()]
    except KeyError:
        unknown = f"no format is known by the suffix {path.suffix}"
        reason = unknown if path.suffix else f"{path.name} has no suffix to tell its format"
        raise typer.BadParameter(f"{reason}; use {', '.join(MEDIA_TYPES)}") from None


def file_of(path: Path, asked: Collection[str]) -> File:
    """The file `path`, to be sent with the options `asked`; a BadParameter if it cannot be."""
    encoding = ENCODINGS.get(path.suffix.lower())
    file = File(path, media_type_of(path.with_suffix("") if encoding else path), encoding)
    if file.media_type == JSON and asked:
        names = " and ".join(NAMES_IN_JSON.get(name, name) for name in asked)
        raise typer.BadParameter(
            f"a .json file holds the whole request: put {names} in the file, or send a table such as .csv"
        )
    return file


@contextlib.contextmanager
def watched(file: File, console: Console) -> Iterator[File]:
    """`file` with a bar on `console` while it is under way, if that is a terminal and the file is long."""
    total = file.path.stat().st_size
    columns = ("[progress.description]{task.description}", BarColumn(), DownloadColumn(), TransferSpeedColumn())
    hidden = not console.is_terminal or total < WORTH_A_BAR
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True, disable=hidden) as progress:
        task = progress.add_task(file.path.name, total=total)
        yield file._replace(progress=lambda sent, _: progress.update(task, completed=sent))


def write(path: Path, pieces: Iterator[bytes]) -> None:
    """Write an answer to `path`. A refusal comes in place of its first piece, and leaves the file as it was."""
    first = next(pieces, b"")
    try:
        with path.open("wb") as written:
            written.write(first)
            written.writelines(pieces)
    except OSError as error:
        typer.echo(f"{path}: {error.strerror}", err=True)
        raise typer.Exit(1) from error
