"""Fixtures that start services. No end-to-end test imports the package `service`."""

import pytest
from running import WORKER_CLASS, Service


def pytest_collection_modifyitems(items):
    """Skip what only the service's own worker class does, with the reason, when another class is tested."""
    for item in items:
        marker = item.get_closest_marker("own_worker_class")
        if marker and WORKER_CLASS:
            item.add_marker(pytest.mark.skip(reason=f"only the service's own worker class {marker.args[0]}"))


@pytest.fixture(scope="session")
def service(tmp_path_factory):
    """A running service with two workers that all tests share. Each test uses models of its own."""
    store = tmp_path_factory.mktemp("e2e") / "models"
    running = Service(store, DESCENT_WORKERS="2", DESCENT_MAX_BODY_BYTES=str(32 * 1024**2)).start()
    yield running
    running.stop()


@pytest.fixture
def new_service(tmp_path):
    """Return a function that starts a service with settings of its own: new_service(DESCENT_WORKERS="4")."""
    started = []

    def start(**settings):
        started.append(Service(tmp_path / f"models{len(started)}", **settings).start())
        return started[-1]

    yield start
    for each in started:
        each.kill()


@pytest.fixture(scope="session")
def client(service):
    with service.client() as session:
        yield session
