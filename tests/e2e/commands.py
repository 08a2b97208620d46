"""Running `descent` as a shell does."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DESCENT = [sys.executable, "-m", "descent"]


def environment(**variables):
    """Return the environment of this process, in which both packages are found from any folder."""
    return {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'client/src'}", **variables}


def descent(*arguments, folder, **variables):
    """Run a command and return its result."""
    return subprocess.run(
        [*DESCENT, *map(str, arguments)],
        cwd=folder,
        env=environment(**variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
