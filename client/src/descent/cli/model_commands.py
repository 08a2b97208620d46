"""Commands that list, show, pin and delete models and versions."""

from pathlib import Path

import click

from descent.cli import display
from descent.cli.files import write
from descent.cli.option_groups import GroupedCommand
from descent.cli.options import (
    POSITIVE,
    Target,
    name_argument,
    out_option,
    target_options,
    version_argument,
    version_option,
)
from descent.cli.session import session
from descent.cli.terminal import confirm, message, show


@click.command("models", cls=GroupedCommand)
@click.option("--prefix", default="", help="List only models whose names begin with this.")
@target_options
def list_models(prefix: str, target: Target) -> None:
    """List the models."""
    with session(target) as client:
        listed = list(client.models(prefix))
    show(listed, display.models, as_json=target.as_json)


@click.command("versions", cls=GroupedCommand)
@name_argument
@target_options
def list_versions(name: str, target: Target) -> None:
    """List the versions of a model, newest first."""
    with session(target) as client:
        listed = list(client.versions(name))
    show(listed, display.versions, as_json=target.as_json)


@click.command("show", cls=GroupedCommand)
@name_argument
@version_option
@target_options
def show_version(name: str, version: int | None, target: Target) -> None:
    """Show the coefficients and the loss of a version."""
    with session(target) as client:
        report = client.version(name, version)
    show(report, display.fit, as_json=target.as_json)


@click.command(cls=GroupedCommand)
@name_argument
@version_option
@target_options
def history(name: str, version: int | None, target: Target) -> None:
    """Show the loss curve of a version."""
    with session(target) as client:
        answer = client.history(name, version)
    show(answer, display.history, as_json=target.as_json)


@click.command(cls=GroupedCommand)
@name_argument
@version_option
@out_option(required=True, help="File to write.")
@target_options
def download(name: str, version: int | None, out: Path, target: Target) -> None:
    """Download the TorchScript file of a version."""
    with session(target) as client:
        version = version or client.model(name)["serving"]
        artifact = client.artifact(name, version)
    write(out, iter([artifact]))
    result = {"model": name, "version": version, "out": str(out)}
    show(result, message(f"{name}, version {version}: written to {out}"), as_json=target.as_json)


@click.command(cls=GroupedCommand)
@name_argument
@version_argument
@target_options
def pin(name: str, version: int, target: Target) -> None:
    """Serve a version until it is unpinned.

    Newer versions are trained and published, but do not serve.
    """
    with session(target) as client:
        answer = client.pin(name, version)
    show(answer, message(f"{name}: version {version} is pinned"), as_json=target.as_json)


@click.command(cls=GroupedCommand)
@name_argument
@target_options
def unpin(name: str, target: Target) -> None:
    """Serve the newest version again."""
    with session(target) as client:
        answer = client.unpin(name)
    show(answer, message(f"{name}: the newest version is serving"), as_json=target.as_json)


@click.command(cls=GroupedCommand)
@name_argument
@click.option("--version", type=POSITIVE, help="Delete only this version.")
@click.option("--yes", "-y", is_flag=True, help="Delete without confirmation.")
@target_options
def rm(name: str, version: int | None, target: Target, *, yes: bool) -> None:
    """Delete a model, or one of its versions."""
    deleted = f"{name} with all its versions" if version is None else f"{name}, version {version}"
    if not yes:
        confirm(f"Delete {deleted}?")
    with session(target) as client:
        client.delete(name, version)
    result = {"model": name, "version": version, "deleted": True}
    show(result, message(f"{deleted}: deleted"), as_json=target.as_json)
