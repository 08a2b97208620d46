"""The app of gunicorn's workers."""

from types import SimpleNamespace

import pytest

from service.api.http.context import EXTENSION
from service.observability import worker_slots
from service.server import application, config
from service.server.gunicorn_stream import GunicornBodyAdapter
from service.server.worker.cpu_priority import NiceExecutor
from service.server.worker.worker import Worker


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("DESCENT_STORE", str(tmp_path / "models"))


class Application:
    """gunicorn's application, which loads the app in each worker."""

    load = staticmethod(application.build)

    def wsgi(self):
        return self.load()


class BootedWorker(Worker):
    """A worker between the fork and its run."""

    def __init__(self, app, *, is_long_request_worker):
        self.app = app
        self.is_long_request_worker = is_long_request_worker
        self.joined = []

    def join_long_workers(self, folder, number):
        self.joined.append((folder, number))


@pytest.mark.parametrize("is_long_request_worker", [False, True])
def test_only_the_app_of_the_long_request_worker_has_an_executor(tmp_path, monkeypatch, is_long_request_worker):
    monkeypatch.setattr(worker_slots, "take", lambda _folder: 7)  # which changes the process for good
    worker = BootedWorker(Application(), is_long_request_worker=is_long_request_worker)
    config.post_fork(SimpleNamespace(metrics_folder=tmp_path), worker)
    worker.load_wsgi()
    services = worker.wsgi.extensions[EXTENSION]
    assert isinstance(services.body_adapter, GunicornBodyAdapter)
    assert services.trainer.make_executor is (NiceExecutor if is_long_request_worker else None)
    assert worker.joined == [(tmp_path, 7)]
