"""Start and stop a service on a free loopback port."""

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
TIMEOUT = 60
WORKER_CLASS = os.environ.get("TEST_WORKER_CLASS")
"""A worker class of gunicorn to test in place of the service's own."""
if WORKER_CLASS:
    os.environ["GUNICORN_CMD_ARGS"] = f"--worker-class {WORKER_CLASS}"
WORKERS = 4
"""The workers of tests that need several."""
TLS = ssl.create_default_context()  # httpx takes 20 ms to load the certificates again for each client


class Service:
    """gunicorn with the project's configuration and a store of its own."""

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
            return self.get("/readyz").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def client(self):
        """Return an httpx client of the service."""
        return httpx.Client(base_url=self.url, timeout=TIMEOUT, verify=TLS)

    def request(self, method, path, **arguments):
        """Send a request on a new connection and return the response."""
        with self.client() as client:
            return client.request(method, path, **arguments)

    def get(self, path, **arguments):
        """GET on a new connection."""
        return self.request("GET", path, **arguments)

    def post(self, path, **arguments):
        """POST on a new connection."""
        return self.request("POST", path, **arguments)

    def workers(self):
        """Return the process ids of the workers."""
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in listed.split()]

    def files_of_metrics(self):
        """Return the names of the files that hold the workers' metrics."""
        return [path.name for path in self.temporary.glob("descent-metrics-*/*")]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(TIMEOUT) == 0

    def kill(self):
        """Kill all processes of the service at once, also those whose master is gone."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(TIMEOUT)


def samples(service):
    """Return the samples of /metrics by name and labels."""
    lines = [line for line in service.get("/metrics").text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, what, timeout=TIMEOUT):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout} s until {what()}"
        time.sleep(0.01)
