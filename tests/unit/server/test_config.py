"""gunicorn's configuration: the values that it sets, and the preparation of the process."""

import gc
import os
import resource
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from gunicorn.config import Config

from service.server import config
from service.server.worker.worker import Worker

ROOT = Path(__file__).parents[3]
UNLIMITED = resource.RLIM_INFINITY


def configured(**settings):
    """gunicorn's configuration with the values of the module under some settings of the environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        values = runpy.run_path(config.__file__)
    cfg = Config()
    for name, value in values.items():
        if name in cfg.settings and name != "worker_class":
            cfg.set(name, value)
    return cfg


def test_importing_it_changes_nothing():
    code = """if True:
        import gc, os, resource, sys
        before = dict(os.environ), resource.getrlimit(resource.RLIMIT_NOFILE)
        import service.server.config
        assert gc.isenabled()
        assert (dict(os.environ), resource.getrlimit(resource.RLIMIT_NOFILE)) == before
        print(*sorted({"numpy", "prometheus_client", "gunicorn", "torch"} & set(sys.modules)))
    """
    environment = {"PROMETHEUS_MULTIPROC_DIR": "/nowhere"}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=False, env=environment, capture_output=True, text=True
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "\n", "")


@pytest.mark.parametrize("arguments", [["-c", "python:service.server.config"], []])
def test_an_invalid_setting_stops_the_start_with_one_line(arguments):
    command = [sys.executable, "-m", "gunicorn", *arguments]
    run = subprocess.run(command, cwd=ROOT, check=False, env={"DESCENT_PORT": "http"}, capture_output=True, text=True)
    assert run.returncode != 0
    [line] = run.stderr.split("\n")[-2:-1]
    assert "DESCENT_PORT='http': give a port number" in line
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("arguments", [["-c", "python:service.server.config"], []])
def test_gunicorn_takes_the_configuration(arguments, tmp_path):
    command = [sys.executable, "-m", "gunicorn", "--print-config", *arguments]
    environment = {"DESCENT_PORT": "1234", "DESCENT_STORE": str(tmp_path)}
    run = subprocess.run(command, cwd=ROOT, check=False, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    values = dict(line.split("=", 1) for line in run.stdout.splitlines() if "=" in line)
    values = {name.strip(): value.strip() for name, value in values.items()}
    assert values["bind"] == "['127.0.0.1:1234']"
    assert values["worker_class"] == "service.server.worker.worker.Worker"


def test_the_settings_become_gunicorns():
    cfg = configured(
        DESCENT_HOST="::1",
        DESCENT_PORT="81",
        DESCENT_WORKERS="3",
        DESCENT_THREADS="5",
        DESCENT_GRACEFUL_TIMEOUT_SECONDS="7",
    )
    assert cfg.address == [("::1", 81)]
    assert cfg.workers == 4
    assert (cfg.threads, cfg.graceful_timeout, cfg.wsgi_app) == (5, 7, "service.server.application:build()")


@pytest.mark.parametrize(("soft", "hard", "connections"), [(256, 256, 192), (64, 64, 1), (256, 512, 448)])
def test_connections_leave_files_to_the_worker(limits, soft, hard, connections):
    limits[:] = soft, hard
    assert configured().worker_connections == connections
    assert limits == [soft, hard]


@pytest.mark.parametrize(
    ("soft", "hard", "allowed", "left"),
    [
        (1024, 8192, 4096, [4096, 8192]),
        (1024, 2048, 2048, [2048, 2048]),
        (1024, UNLIMITED, 4096, [4096, UNLIMITED]),
        (6000, 8192, 6000, [6000, 8192]),
        (UNLIMITED, UNLIMITED, 4096, [UNLIMITED, UNLIMITED]),
    ],
)
def test_the_limit_of_open_files_is_raised_as_far_as_it_can_be(limits, soft, hard, allowed, left):
    limits[:] = soft, hard
    assert config.file_limit(4096) == allowed
    config.allow_files(4096)
    assert limits == left


@pytest.mark.parametrize("is_reload", [False, True])
def test_the_process_is_prepared_before_the_workers_class_is_imported(monkeypatch, is_reload):
    disabled = []
    monkeypatch.setattr(gc, "disable", lambda: disabled.append(True))
    monkeypatch.setattr(gc, "get_freeze_count", lambda: int(is_reload))
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "/somewhere")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    cfg = Config()
    cfg.set("worker_class", config.worker_class)
    assert cfg.worker_class is Worker
    assert (os.environ["OPENBLAS_NUM_THREADS"], os.environ["OMP_NUM_THREADS"]) == ("1", "3")
    assert disabled == ([] if is_reload else [True])
    assert ("PROMETHEUS_MULTIPROC_DIR" in os.environ) is is_reload
