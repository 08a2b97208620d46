"""`serve`: the server in place of this process."""

import importlib.util
import os
import sys
from collections.abc import Mapping
from typing import NoReturn

import typer

from descent.cli.options import URL_VARIABLE


def environment(given: Mapping[str, object]) -> dict[str, str]:
    """The environment of the service: this process's, with the settings that were `given` as options; a BadParameter
    if one of them all cannot be used, which names the option or the variable that it came from."""
    from service.settings import InvalidSetting, Settings, variable

    overridden = {variable(name): str(value) for name, value in given.items() if value is not None}
    found = {**os.environ, **overridden}
    found.pop(URL_VARIABLE, None)  # the command line's own, and no setting
    found["PYTHONSAFEPATH"] = "1"  # the service is the installed one, not a folder of this name
    try:
        Settings.from_environment(found)
    except InvalidSetting as error:
        if given.get(error.name) is None:
            raise typer.BadParameter(str(error)) from None
        option = f"--{error.name.replace('_', '-')}"
        raise typer.BadParameter(f"{error.text!r}: {error.remedy}", param_hint=option) from None
    return found


def serve(given: Mapping[str, object]) -> NoReturn:
    """Become the server, so that signals reach it."""
    if importlib.util.find_spec("service") is None:
        typer.echo("descent: the service is not installed in this environment, so it cannot be started here.", err=True)
        raise typer.Exit(1)
    os.execve(sys.executable, [sys.executable, "-m", "service"], environment(given))  # noqa: S606
