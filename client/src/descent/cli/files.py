"""Files that commands send and write."""

import contextlib
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

import click

from descent.errors import InvalidArgument
from descent.request_body import JSON, File, media_type_of_path

PROGRESS_BAR_BYTES = 1 << 20
"""Smaller files are sent without a progress bar."""

COLUMNS = ("x", "y", "weight")
"""Options that choose columns of a table."""


def data_file(path: Path, options: Collection[str]) -> File:
    """Return the file `path`, to be sent with `options`. Raises BadParameter if it cannot be sent with them."""
    try:
        file = File.from_path(path)
    except InvalidArgument as error:
        raise click.BadParameter(str(error), param_hint="FILE") from None
    chosen = [f"--{name}" for name in COLUMNS if name in options]
    if file.media_type == JSON and chosen:
        names = " and ".join(chosen)
        detail = f"{names} chooses columns of a table, but a .json file holds x and y. Leave out {names}"
        raise click.BadParameter(f"{detail}, or send a table such as .csv", param_hint="FILE")
    return file


def media_type_to_write(path: Path) -> str:
    """Return the media type of the file `path`, which is to be written. Raises BadParameter for an unknown suffix."""
    try:
        return media_type_of_path(path)
    except InvalidArgument as error:
        raise click.BadParameter(str(error), param_hint="--out") from None


@contextlib.contextmanager
def upload_progress(file: File) -> Iterator[File]:
    """Yield `file` with a progress bar on standard error, if that is a terminal and the file is large."""
    total = file.path.stat().st_size
    hidden = not sys.stderr.isatty() or total < PROGRESS_BAR_BYTES
    with click.progressbar(length=total, label=file.path.name, hidden=hidden, file=sys.stderr) as bar:

        def show(sent: int, _: int) -> None:
            bar.finished = False  # a retry starts at 0 again
            bar.update(sent - bar.pos)

        yield file._replace(progress=show)


def write(path: Path, pieces: Iterator[bytes]) -> None:
    """Write `pieces` to `path`. If the first one raises, the file is left as it was."""
    first = next(pieces, b"")
    try:
        with path.open("wb") as written:
            written.write(first)
            written.writelines(pieces)
    except OSError as error:
        raise click.FileError(str(path), error.strerror) from error
