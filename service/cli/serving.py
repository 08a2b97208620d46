"""`serve`: gunicorn in place of this process, with the project's configuration."""

import os
import sys
from collections.abc import Mapping
from typing import NoReturn

import typer

from service.cli.options import URL_VARIABLE
from service.settings import InvalidSetting, Settings, variable


def environment(given: Mapping[str, object]) -> dict[str, str]:
    """The environment of the service: this process's, with the settings that were `given` as options; a BadParameter
    if one of them all cannot be used, which names the option or the variable that it came from."""
    overridden = {variable(name): str(value) for name, value in given.items() if value is not None}
    found = {**os.environ, **overridden}
    found.pop(URL_VARIABLE, None)  # the command line's own, and no setting
    found["PYTHONSAFEPATH"] = "1"  # or gunicorn, when USR2 starts it anew, has its own http in place of the library's
    try:
        Settings.from_environment(found)
    except InvalidSetting as error:
        if given.get(error.name) is None:
            raise typer.BadParameter(str(error)) from None
        option = f"--{error.name.replace('_', '-')}"
        raise typer.BadParameter(f"{error.text!r}: {error.remedy}", param_hint=option) from None
    return found


def serve(given: Mapping[str, object]) -> NoReturn:
    """Become gunicorn, so that signals reach it."""
    arguments = [sys.executable, "-m", "gunicorn", "-c", "python:service.server.config"]
    os.execve(sys.executable, arguments, environment(given))  # noqa: S606
