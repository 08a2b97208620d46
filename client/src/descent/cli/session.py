"""The client that a command uses, and the exit status for each error."""

import contextlib
import dataclasses
import json
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import httpx

from descent.cli.options import URL_VARIABLE, Target
from descent.client import Client
from descent.connection import DEFAULT_URL
from descent.errors import ClientError, InvalidArgument, Problem, Unreachable
from descent.wording import reword

USAGE, REFUSED, NOT_FOUND, FAILED, UNREACHABLE = 2, 3, 4, 5, 6
"""Exit statuses. 0 is success, 1 a declined confirmation or a failure of the command itself."""

IN_PROCESS_URL = "http://in-process"


class ServiceNotInstalled(click.ClickException):
    """A command needs the service's package. Click prints its message in one line."""

    exit_code = USAGE


@contextlib.contextmanager
def service_required(feature: str) -> Iterator[None]:
    """Turn an import error of the service into a message that names `feature`, which needs the service."""
    try:
        yield
    except ModuleNotFoundError as error:
        detail = f"{feature} needs the package descent-service in this Python environment"
        raise ServiceNotInstalled(f"{detail} ({error})") from None


@contextlib.contextmanager
def session(target: Target, *, creates_store: bool = False) -> Iterator[Client]:
    """Yield a client for the service, or for the folder of models, that `target` names.

    The folder must exist unless the command `creates_store`. A ClientError is printed on standard error and ends the
    command with its exit status.
    """
    if target.store and not creates_store and not target.store.is_dir():
        raise click.BadParameter(f"folder {target.store} does not exist", param_hint="--store")
    try:
        with create_client(target.url, target.store) as client:
            yield client
    except ClientError as error:
        _print_error(error, as_json=target.as_json)
        raise click.exceptions.Exit(exit_status(error)) from error


def exit_status(error: ClientError) -> int:
    """Return the exit status for an error."""
    if isinstance(error, InvalidArgument):
        return USAGE
    if isinstance(error, Unreachable):
        return UNREACHABLE
    if not isinstance(error, Problem):
        return REFUSED
    if error.status == httpx.codes.NOT_FOUND:
        return NOT_FOUND
    is_failure = error.status >= httpx.codes.INTERNAL_SERVER_ERROR or error.status == httpx.codes.TOO_MANY_REQUESTS
    return FAILED if is_failure else REFUSED


def create_client(url: str | None, store: Path | None) -> Client:
    """Return a client for the service at `url`, or for the app in this process on the folder `store`."""
    if store is None:
        return Client(url or os.environ.get(URL_VARIABLE) or DEFAULT_URL)
    return Client(IN_PROCESS_URL, transport=_in_process_transport(store))


def _in_process_transport(store: Path) -> httpx.BaseTransport:
    with service_required("--store"):
        from service.app import create_app
        from service.settings import InvalidSetting, Settings

    try:
        settings = dataclasses.replace(Settings.from_environment(os.environ), store=str(store))
    except InvalidSetting as error:
        raise click.BadParameter(str(error)) from None
    return httpx.WSGITransport(app=create_app(settings))


def _print_error(error: ClientError, *, as_json: bool) -> None:
    if as_json:
        document = error.document() if isinstance(error, Problem) else {"detail": str(error)}
        click.echo(json.dumps(document, ensure_ascii=False), err=True)
        return
    click.echo(describe(error), err=True)


def describe(error: ClientError) -> str:
    """Return the title of an error and what to do, with options as flags of the command."""
    if not isinstance(error, Problem):
        return str(error)
    return "\n".join(filter(None, (error.title, reword(error.detail, _as_flag))))


def _as_flag(name: str, value: str | None) -> str | None:
    """Return an option as a flag of the running command. A .json file holds its options, under their own names."""
    context = click.get_current_context()
    if context.params.get("file", Path()).suffix == ".json":
        return None
    options = (each for each in context.command.params if isinstance(each, click.Option) and each.name == name)
    option = next(options, None)
    if option is None:
        return None
    flags = option.secondary_opts if value == "false" else option.opts
    return flags[-1] if value is None or option.is_flag else f"{flags[-1]} {shlex.quote(value)}"
