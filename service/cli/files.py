"""Files of data: what their names say of them, and how far an upload got."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

from service.client import File
from service.client.data import ARROW, NPY
from service.client.exchange import JSON

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


def media_type_of(path: Path) -> str:
    """The media type of a file by the end of its name; a BadParameter if that tells nothing."""
    try:
        return MEDIA_TYPES[path.suffix.lower()]
    except KeyError:
        known = ", ".join(MEDIA_TYPES)
        raise typer.BadParameter(
            f"{path.name}: nothing is known of {path.suffix or 'no suffix'}; use {known}"
        ) from None


@contextlib.contextmanager
def sending(path: Path, console: Console) -> Iterator[File]:
    """The file `path` to send, with a bar on `console` while it is under way, if somebody watches and it is long."""
    encoding = ENCODINGS.get(path.suffix.lower())
    media_type = media_type_of(path.with_suffix("") if encoding else path)
    columns = ("[progress.description]{task.description}", BarColumn(), DownloadColumn(), TransferSpeedColumn())
    hidden = not console.is_terminal or path.stat().st_size < WORTH_A_BAR
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True, disable=hidden) as progress:
        task = progress.add_task(path.name, total=path.stat().st_size)
        yield File(path, media_type, encoding, lambda sent, _: progress.update(task, completed=sent))
