"""A virtual environment for each peer, created at its first use."""

import os
import subprocess
import sys
from pathlib import Path

from common import ROOT

FOLDER = ROOT / ".venv-peers"
STAMP = "made-from.txt"


class NotRun(Exception):
    """A contender cannot be measured; the message is the reason."""


def python_of(requirements: Path) -> Path:
    """Return the interpreter of an environment with exactly these requirements."""
    folder = FOLDER / requirements.parent.name
    python, wanted = folder / "bin/python", requirements.read_text("utf-8")
    stamp = folder / STAMP
    if not stamp.exists() or stamp.read_text("utf-8") != wanted:
        print(f"installing {requirements.relative_to(ROOT)}", flush=True)
        run([sys.executable, "-m", "venv", "--clear", str(folder)])
        for line in wanted.splitlines():
            if line.startswith("torch=="):
                install_torch(python, line)
        run([str(python), "-m", "pip", "install", "--quiet", "-r", str(requirements)])
        stamp.write_text(wanted, "utf-8")
    return python


def install_torch(python: Path, requirement: str) -> None:
    """Install torch from its index of CPU builds, or from pip's index, as scripts/install does."""
    install = ["pip", "install", "--quiet", "--python", str(python), "--torch-backend", "cpu", requirement]
    environment = {**os.environ, "UV_HTTP_RETRIES": "0", "UV_HTTP_TIMEOUT": "30"}
    try:
        run([str(Path(sys.executable).with_name("uv")), *install], env=environment)
    except NotRun:
        run([str(python), "-m", "pip", "install", "--quiet", requirement])


def run(command: list[str], env: dict[str, str] | None = None, cwd: Path | None = None) -> None:
    """Run a command to its end; NotRun with its last line of output if it fails."""
    try:
        subprocess.run(command, env=env, cwd=cwd, check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise NotRun(f"{command[0]} is not installed") from None
    except subprocess.CalledProcessError as error:
        raise NotRun(last_line(error.stderr) or f"{Path(command[0]).name} failed") from None


def last_line(text: str) -> str:
    """Return the last line of the output of a program."""
    return (text.strip().splitlines() or [""])[-1].strip()
