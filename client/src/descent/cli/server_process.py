"""`descent serve`: the server in place of this process."""

import os
import sys
from collections.abc import Mapping
from typing import NoReturn

import click

from descent.cli.options import URL_VARIABLE
from descent.cli.session import service_required


def serve(given: Mapping[str, object]) -> NoReturn:
    """Replace this process by the server, so that signals reach it."""
    os.execve(sys.executable, [sys.executable, "-m", "service"], environment(given))  # noqa: S606 - no shell


def environment(given: Mapping[str, object]) -> dict[str, str]:
    """Return the environment of the server: that of this process, with the `given` settings.

    Raises BadParameter for an invalid setting, which names the option or the variable.
    """
    with service_required("serve"):
        from service.settings import InvalidSetting, Settings

    variables = {f"DESCENT_{name.upper()}": str(value) for name, value in given.items() if value is not None}
    found = {**os.environ, **variables}
    found.pop(URL_VARIABLE, None)  # a setting of the command line only
    found["PYTHONSAFEPATH"] = "1"  # run the installed service, not a folder of that name
    try:
        Settings.from_environment(found)
    except InvalidSetting as error:
        if given.get(error.name) is None:
            raise click.BadParameter(str(error)) from None
        option = f"--{error.name.replace('_', '-')}"
        raise click.BadParameter(f"{error.text!r}: {error.remedy}", param_hint=option) from None
    return found
