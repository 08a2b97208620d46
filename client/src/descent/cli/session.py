"""The client that a command works with, and the exit status that tells how it went."""

import contextlib
import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from descent.cli.options import URL_VARIABLE, Common

if TYPE_CHECKING:
    import httpx

    from descent import Client, ClientError

MISUSED, REFUSED, NOT_FOUND, FAILED, UNREACHABLE = 2, 3, 4, 5, 6
"""0 is success, 1 a question that was not confirmed or a fault of the command itself."""

IN_PROCESS = "http://in-process"


@contextlib.contextmanager
def session(common: Common, *, creates: bool = False) -> Iterator["Client"]:
    """A client of the service at a URL, or of one in process over a folder, which has to be there unless the command
    `creates` it. A ClientError ends the command, with what it says on standard error."""
    from descent import ClientError

    if common.url and common.store:
        raise typer.BadParameter("give either --url or --store")
    if common.store and not creates and not common.store.is_dir():
        raise typer.BadParameter(f"there is no folder {common.store}", param_hint="--store")
    try:
        with _client(common.url, common.store) as client:
            yield client
    except ClientError as error:
        _tell(error, as_json=common.as_json)
        raise typer.Exit(status_of(error)) from error


def status_of(error: "ClientError") -> int:
    """The exit status of a command that met `error`."""
    from descent import Problem, Unreachable, Unsendable

    if isinstance(error, Unsendable):
        return MISUSED
    if isinstance(error, Unreachable):
        return UNREACHABLE
    if not isinstance(error, Problem):
        return REFUSED
    if error.status == 404:
        return NOT_FOUND
    return FAILED if error.status >= 500 or error.status == 429 else REFUSED


def _client(url: str | None, store: Path | None) -> "Client":
    from descent import Client
    from descent.client import URL

    if store is None:
        return Client(url or os.environ.get(URL_VARIABLE) or URL)
    return Client(IN_PROCESS, transport=_in_process(store))


def _in_process(store: Path) -> "httpx.BaseTransport":
    import httpx

    from service.app import create_app
    from service.settings import InvalidSetting, Settings

    try:
        settings = dataclasses.replace(Settings.from_environment(os.environ), store=str(store))
    except InvalidSetting as error:
        raise typer.BadParameter(str(error)) from None
    return httpx.WSGITransport(app=create_app(settings))


def _tell(error: "ClientError", *, as_json: bool) -> None:
    from descent import Problem

    if as_json:
        document = error.document() if isinstance(error, Problem) else {"detail": str(error)}
        typer.echo(json.dumps(document, ensure_ascii=False), err=True)
        return
    title = f"{error.title}\n" if isinstance(error, Problem) and error.title else ""
    typer.echo(f"{title}{error}", err=True)
