"""Services to test. Nothing here or beside it imports the service itself."""

import httpx
import pytest
from running import Service


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
