"""Runs `descent` as a user's shell does."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DESCENT = [sys.executable, "-m", "service"]


def environment(**variables):
    """This process's environment, in which the package is found from any folder."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **variables}


def descent(*arguments, folder, **variables):
    """The finished command."""
    return subprocess.run(
        [*DESCENT, *map(str, arguments)],
        cwd=folder,
        env=environment(**variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
