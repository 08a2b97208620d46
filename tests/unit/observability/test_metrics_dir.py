"""Metrics folders are kept while a service uses them, and swept afterwards."""

import subprocess
import sys
import tempfile

import pytest

from service.observability import metrics_dir

MAKES_ONE = (
    "import time; from service.observability import metrics_dir; print(metrics_dir.make(), flush=True); time.sleep(600)"
)


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def service():
    """A process that uses a metrics folder."""
    with subprocess.Popen([sys.executable, "-c", MAKES_ONE], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline()
        yield process
        process.kill()


def test_a_folder_in_use_is_kept(service, folder):
    own = metrics_dir.make()
    assert metrics_dir.sweep() == 0
    assert own.is_dir()
    assert len(list(folder.iterdir())) == 2


def test_the_folder_of_a_service_that_was_killed_is_swept(service, folder):
    [path] = folder.iterdir()
    (path / "counter_0.db").write_bytes(b"counts")
    service.kill()
    service.wait()
    assert metrics_dir.sweep() == 1
    assert list(folder.iterdir()) == []


def test_unfinished_and_unrelated_folders_are_kept(folder):
    (folder / "descent-metrics-made-now").mkdir()
    (folder / "descent-metrics-of-an-earlier-release").mkdir()
    (folder / "descent-metrics-of-an-earlier-release/0.slot").touch()
    (folder / "descent-metrics-a-file").touch()
    (folder / "another").mkdir()
    (folder / "another/in-use").touch()
    assert metrics_dir.sweep() == 0
    assert len(list(folder.iterdir())) == 4
