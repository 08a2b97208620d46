"""What commands say to people and to programs, and what they ask."""

import json
import sys
from collections.abc import Callable
from typing import Any

import typer
from rich.console import Console

STDOUT = Console()
STDERR = Console(stderr=True)

Display = Callable[[Any, Console], None]


def show(answer: Any, display: Display, *, as_json: bool) -> None:
    """`answer` as JSON, or as `display` writes it."""
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False))
    else:
        display(answer, STDOUT)


def saying(text: str) -> Display:
    """A display that says `text`, whatever the answer."""
    return lambda _, console: console.print(text, markup=False, highlight=False)


def confirm(question: str) -> None:
    """Ask; unless the answer is yes, the command ends."""
    if not _somebody_is_there():
        raise typer.BadParameter("standard input is not a terminal; confirm with --yes")
    typer.confirm(question, abort=True)


def _somebody_is_there() -> bool:
    return sys.stdin.isatty()
