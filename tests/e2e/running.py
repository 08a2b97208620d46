"""A real server on a free loopback port."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
SECONDS = 60


class Service:
    """gunicorn with the project's configuration, over a store of its own."""

    def __init__(self, store, **settings):
        self.store = store
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.temporary = store.with_name(f"{store.name}-tmp")
        self.temporary.mkdir()
        self.settings = {
            "DESCENT_STORE": str(store),
            "DESCENT_PORT": str(self.port),
            "TMPDIR": str(self.temporary),
            **settings,
        }
        self.log = store.with_name(f"{store.name}.log")
        self.process = None

    def start(self):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn"],
                cwd=ROOT,
                env={**os.environ, **self.settings},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.await_ready()
        return self

    def await_ready(self):
        wait_until(self.is_ready, what=lambda: f"the service answers; its log says: {self.log.read_text()}")

    def is_ready(self):
        if self.process.poll() is not None:
            pytest.fail(f"the service stopped by itself: {self.log.read_text()}")
        try:
            return httpx.get(f"{self.url}/readyz").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def workers(self):
        """The process ids of the workers."""
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in listed.split()]

    def files_of_metrics(self):
        """The names of the files that the workers count in."""
        return [path.name for path in self.temporary.glob("descent-metrics-*/*")]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(SECONDS) == 0

    def kill(self):
        """End every process of the service at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(SECONDS)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, what):
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited {SECONDS} s until {what()}"
        time.sleep(0.01)
