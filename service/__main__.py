"""Start the server: `python -m service`, with gunicorn's own options after it."""

import os
import sys
from typing import NoReturn

CONFIG = "python:service.server.config"


def main() -> NoReturn:
    """Replace this process by gunicorn, so that signals reach gunicorn's master directly."""
    # On USR2 gunicorn runs its __main__.py by path; without a safe path, gunicorn/http would hide the standard http.
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}
    arguments = [sys.executable, "-m", "gunicorn", "-c", CONFIG, *sys.argv[1:]]
    os.execve(sys.executable, arguments, environment)  # noqa: S606 - the arguments are not passed to a shell


if __name__ == "__main__":
    main()
