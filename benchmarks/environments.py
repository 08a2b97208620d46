"""A virtual environment for each peer, made when it is first asked for."""

import os
import subprocess
import sys
from pathlib import Path

from common import ROOT

FOLDER = ROOT / ".venv-peers"
STAMP = "made-from.txt"


class NotRun(Exception):
    """Why a contender cannot be measured."""


def python_of(requirements: Path) -> Path:
    """The interpreter of an environment that has just these requirements."""
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
    """torch from its index of CPU builds, or from pip's where that cannot be reached (see scripts/install)."""
    install = ["pip", "install", "--quiet", "--python", str(python), "--torch-backend", "cpu", requirement]
    quick = {**os.environ, "UV_HTTP_RETRIES": "0", "UV_HTTP_TIMEOUT": "30"}
    try:
        run([str(Path(sys.executable).with_name("uv")), *install], env=quick)
    except NotRun:
        run([str(python), "-m", "pip", "install", "--quiet", requirement])


def run(command: list[str], env: dict[str, str] | None = None, cwd: Path | None = None) -> None:
    """Run to the end, or say why not."""
    try:
        subprocess.run(command, env=env, cwd=cwd, check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise NotRun(f"there is no {command[0]}") from None
    except subprocess.CalledProcessError as error:
        raise NotRun(last_line(error.stderr) or f"{Path(command[0]).name} failed") from None


def last_line(text: str) -> str:
    """What a program that failed said last."""
    return (text.strip().splitlines() or [""])[-1].strip()
