"""Runs `descent` as a user's shell does, and asks a service what it can do."""

import os
import subprocess
import sys
from pathlib import Path

import httpx

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


def takes(service, media_type):
    """Whether the service reads bodies of the media type."""
    answer = httpx.post(f"{service.url}/predict", content=b"x\n1\n", headers={"Content-Type": media_type})
    return answer.status_code != httpx.codes.UNSUPPORTED_MEDIA_TYPE


def allows(service, method, path):
    """Whether the service has the call, found out without making it."""
    return method in httpx.request("OPTIONS", f"{service.url}{path}").headers.get("Allow", "")
