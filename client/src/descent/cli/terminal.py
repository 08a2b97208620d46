"""Output and confirmation."""

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

Display = Callable[[Any], None]


def show(result: Any, display: Display, *, as_json: bool) -> None:
    """Print `result` as one line of JSON, or with `display`."""
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False))
    else:
        display(result)


def message(text: str) -> Display:
    """Return a display that prints `text`."""
    return lambda _: click.echo(text)


def confirm(question: str) -> None:
    """Ask a question, and end the command unless the answer is yes."""
    if not is_interactive():
        raise click.UsageError("standard input is not a terminal; confirm with --yes")
    click.confirm(question, abort=True)


def is_interactive() -> bool:
    """Return whether standard input is a terminal."""
    return sys.stdin.isatty()


def print_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print aligned columns under headers: the first column to the left, the others to the right."""
    rows = [[printable(cell) for cell in row] for row in (headers, *rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, (first, *others) in enumerate(rows):
        cells = [first.ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(others, widths[1:], strict=True))]
        line = "  ".join(cells).rstrip()
        click.echo(click.style(line, bold=True) if number == 0 else line)


def print_fields(fields: dict[str, str]) -> None:
    """Print names and values in two columns."""
    width = max(map(len, fields))
    for name, value in fields.items():
        click.echo(f"{name.ljust(width)}  {printable(value)}")


def printable(text: str) -> str:
    """Return `text` with "?" in place of control characters, which could change the terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)
