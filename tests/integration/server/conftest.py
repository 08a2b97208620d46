"""Workers in threads of this process."""

import pytest
from worker_server import Server, wait_until


@pytest.fixture
def serve():
    """Start workers: serve(threads=1)."""
    servers = []

    def start(**settings):
        servers.append(Server(**settings))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def server(serve):
    return serve()


@pytest.fixture
def logged(server, caplog):
    """The log of the server's worker."""
    server.worker.log.error_log.addHandler(caplog.handler)
    yield caplog
    server.worker.log.error_log.removeHandler(caplog.handler)


@pytest.fixture
def long_server(serve, tmp_path):
    """A worker for long requests."""
    started = serve(long_workers=tmp_path, is_long_request_worker=True)
    wait_until(lambda: list(tmp_path.glob("*.open")))
    return started


@pytest.fixture
def short_server(serve, tmp_path, long_server):
    """A worker that passes long requests on to it."""
    return serve(long_workers=tmp_path)
