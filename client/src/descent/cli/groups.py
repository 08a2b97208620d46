"""Groups of rows in commands: their options, and the exit status if some of them fail."""

from typing import Any

import click

from descent.cli.session import REFUSED
from descent.cli.terminal import printable
from descent.connection import DEFAULT_MODEL
from descent.options import Json

MAX_LISTED = 20


def check_group(options: dict[str, Any], model: str, version: int | None = None) -> bool:
    """Return whether --group is given. Raises UsageError if it contradicts other options."""
    if "group" in options and (model != DEFAULT_MODEL or version is not None):
        raise click.UsageError("--group names the models by --prefix and label; leave out --model and --version")
    if "prefix" in options and "group" not in options:
        raise click.UsageError("--prefix names the models of groups; give --group too")
    return "group" in options


def exit_if_failed(answer: Json, *, as_json: bool) -> None:
    """End the command with exit status 3 if groups failed, with their problems on standard error."""
    failed = [each for each in answer.get("results", []) if "problem" in each]
    if not failed:
        return
    if not as_json:
        for each in failed[:MAX_LISTED]:
            click.echo(f"group {printable(each['group'])}: {printable(each['problem']['detail'])}", err=True)
        if len(failed) > MAX_LISTED:
            click.echo(f"and {len(failed) - MAX_LISTED} more groups", err=True)
    raise click.exceptions.Exit(REFUSED)


def exit_if_any_failed(names: Json | None) -> None:
    """End the command with exit status 3 if a table has no predictions for some groups."""
    if names:
        listed = ", ".join(map(printable, names["names"])) + (" …" if names["count"] > len(names["names"]) else "")
        click.echo(f"no predictions for {listed} (groups: {names['count']}); omit --out to see the reasons", err=True)
        raise click.exceptions.Exit(REFUSED)
