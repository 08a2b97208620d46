"""gunicorn's hooks: the start, the choice of the long-request worker, and the end."""

import gc
import os
import socket
import struct
import tempfile
from types import SimpleNamespace

import pytest
from gunicorn import util

from service.errors import StoreUnavailable
from service.server import config, error_page, warmup
from service.server.worker.worker import Worker
from service.store import Store


class Log:
    """Collects messages."""

    def __init__(self):
        self.lines = []

    def info(self, message, *arguments):
        self.lines.append(message % arguments)

    warning = info


class ServedWorker(Worker):
    """A worker without a process."""

    def __init__(self, cfg, *, age=1, is_long_request_worker=False):
        self.cfg = cfg
        self.age = age
        self.is_long_request_worker = is_long_request_worker


@pytest.fixture
def start(monkeypatch, tmp_path, limits):
    """Run `on_starting` without leaving a trace in this process; returns the server."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(util, "write_error", util.write_error)
    monkeypatch.setattr(gc, "freeze", lambda: None)
    monkeypatch.setattr(warmup, "warm_up", lambda: None)
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    monkeypatch.setenv("DESCENT_PROT", "80")
    settings = config.Settings(store=str(tmp_path / "models"), client_timeout_seconds=7)
    monkeypatch.setattr(config, "settings", settings)
    server = SimpleNamespace(log=Log(), LISTENERS=[])

    def run():
        gc.disable()
        try:
            config.on_starting(server)
            assert gc.isenabled()
        finally:
            gc.enable()
        return server

    return run


def test_a_start_makes_the_metrics_folder_and_names_unknown_settings(start, limits):
    server = start()
    assert server.metrics_folder.is_dir()
    assert os.environ["PROMETHEUS_MULTIPROC_DIR"] == str(server.metrics_folder)
    assert util.write_error is error_page.write_problem
    assert server.log.lines == ["DESCENT_PROT is not a setting of this service"]
    assert limits == [4096, 4096]
    config.on_exit(server)
    assert not server.metrics_folder.exists()


def test_a_start_removes_what_a_kill_has_left(start, monkeypatch):
    monkeypatch.setattr(Store, "sweep", lambda self: 2)
    monkeypatch.setattr("service.observability.metrics_dir.sweep", lambda: 3)
    assert start().log.lines[:2] == [
        "removed 2 unfinished publications",
        "removed the metrics of 3 services that were killed",
    ]


def test_a_store_that_cannot_be_used_stops_the_start(start, monkeypatch):
    def fail(self):
        raise StoreUnavailable("The store cannot be used: it is a file.")

    monkeypatch.setattr(Store, "sweep", fail)
    with pytest.raises(SystemExit, match=r"descent: DESCENT_STORE='.*': The store cannot be used: it is a file"):
        start()


def test_listeners_get_the_clients_timeout_and_the_address_is_logged(monkeypatch):
    monkeypatch.setattr(config, "settings", config.Settings(client_timeout_seconds=7))
    with socket.create_server(("127.0.0.1", 0)) as sock:
        server = SimpleNamespace(log=Log(), LISTENERS=[SimpleNamespace(sock=sock)])
        config.when_ready(server)
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            assert struct.unpack("ll", sock.getsockopt(socket.SOL_SOCKET, option, 16)) == (7, 0)
    [line] = server.log.lines
    assert "/docs" in line


@pytest.mark.parametrize(
    ("num_workers", "others", "expected"), [(3, [], True), (3, [False], True), (3, [True], False), (1, [], False)]
)
def test_one_of_several_workers_takes_long_requests(num_workers, others, expected):
    cfg, old = object(), object()
    workers = [ServedWorker(cfg, is_long_request_worker=value) for value in others]
    workers.append(ServedWorker(old, is_long_request_worker=True))  # of the configuration before a reload
    server = SimpleNamespace(num_workers=num_workers, WORKERS=dict(enumerate(workers)))
    worker = ServedWorker(cfg)
    config.pre_fork(server, worker)
    assert worker.is_long_request_worker is expected


def test_workers_of_other_classes_are_left_alone(monkeypatch, tmp_path):
    worker = SimpleNamespace(cfg=object())
    server = SimpleNamespace(num_workers=3, WORKERS={}, metrics_folder=tmp_path)
    config.pre_fork(server, worker)
    assert vars(worker) == {"cfg": worker.cfg}
    monkeypatch.setattr("service.observability.worker_slots.take", lambda _folder: 7)
    monkeypatch.setattr(config, "settings", config.Settings(client_timeout_seconds=7))
    config.post_fork(server, worker)
    assert vars(worker) == {"cfg": worker.cfg, "client_timeout_seconds": 7}


@pytest.mark.parametrize(("wanted", "age"), [(2, 6), (1, 0)])
def test_the_long_request_worker_is_stopped_last_unless_one_worker_remains(wanted, age):
    cfg, old = object(), object()
    long = ServedWorker(cfg, age=1, is_long_request_worker=True)
    workers = [
        long,
        ServedWorker(cfg, age=2),
        ServedWorker(old, age=3, is_long_request_worker=True),
        SimpleNamespace(cfg=cfg, age=4),
    ]
    server = SimpleNamespace(cfg=cfg, worker_age=5, WORKERS=dict(enumerate(workers)))
    config.nworkers_changed(server, wanted, 3)
    assert [worker.age for worker in workers] == [age, 2, 3, 4]
