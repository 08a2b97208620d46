"""A real server on a free loopback port. Nothing here or beside it imports the service."""

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
        self.settings = {"DESCENT_STORE": str(store), "DESCENT_PORT": str(self.port), **settings}
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
        time.sleep(0.05)


@pytest.fixture(scope="session")
def service(tmp_path_factory):
    """A running service with two workers, for tests that leave each other's models alone."""
    store = tmp_path_factory.mktemp("e2e") / "models"
    running = Service(store, DESCENT_WORKERS="2", DESCENT_MAX_BODY_BYTES=str(32 * 1024**2)).start()
    yield running
    running.stop()


@pytest.fixture
def new_service(tmp_path):
    """Start services of one's own: new_service(DESCENT_WORKERS="4")."""
    started = []

    def start(**settings):
        started.append(Service(tmp_path / f"models{len(started)}", **settings).start())
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.kill()


@pytest.fixture(scope="session")
def client(service):
    with httpx.Client(base_url=service.url, timeout=60) as session:
        yield session
