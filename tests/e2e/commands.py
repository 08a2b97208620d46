"""Runs `descent` as a user's shell does."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DESCENT = [sys.executable, "-m", "descent"]


def environment(**variables):
    """This process's environment, in which both packages are found from any folder."""
    return {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'client/src'}", **variables}


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
