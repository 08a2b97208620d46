"""The command line with a running service, and on its folder of models."""

import json
import signal
import subprocess
import sys

import httpx
import pytest
from commands import DESCENT, ROOT, descent, environment
from running import free_port, wait_until

HOUSES = json.loads((ROOT / "docs/examples/houses.json").read_text("utf-8"))


def test_a_service_and_its_folder_give_the_same_results(service, tmp_path):
    (tmp_path / "houses.json").write_text(json.dumps(HOUSES))
    (tmp_path / "new.json").write_text('{"x": [[60, 2], [90, 3]]}')
    train = ("train", "houses.json", "--model", "cli", "--json")
    there = json.loads(descent(*train, "--url", service.url, folder=tmp_path).stdout)
    here = json.loads(descent(*train, "--store", service.store, folder=tmp_path).stdout)
    assert here["version"] == there["version"] + 1
    volatile = {"version", "serving", "trained_at", "etag", "artifact"}
    assert {name: here[name] for name in here.keys() - volatile} == {
        name: there[name] for name in there.keys() - volatile
    }
    predict = ("predict", "new.json", "--model", "cli", "--json")
    by_service = descent(*predict, DESCENT_URL=service.url, folder=tmp_path).stdout
    by_folder = descent(*predict, "--store", service.store, folder=tmp_path).stdout
    assert by_service == by_folder
    assert json.loads(by_service)["version"] == here["version"]


def test_errors_have_exit_statuses(service, tmp_path):
    (tmp_path / "bad.json").write_text('{"x": [1], "y": [1, 2]}')
    refused = descent("train", "bad.json", "--url", service.url, folder=tmp_path)
    assert (refused.returncode, refused.stdout) == (3, "")
    assert "/y: has 2 numbers, but x has 1 row;" in refused.stderr
    assert descent("show", "cli-nothing", "--url", service.url, folder=tmp_path).returncode == 4
    assert descent("show", folder=tmp_path).returncode == 2


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("command", ["descent serve", "python -m service"])
def test_the_server_runs_in_any_folder_until_it_is_stopped(tmp_path, command, stop):
    port = free_port()
    settings = {"DESCENT_WORKERS": "1", "DESCENT_LOG_LEVEL": "warning", "DESCENT_STORE": "here"}
    if command == "descent serve":
        words = [*DESCENT, "serve", "--port", str(port)]
        settings |= {"DESCENT_PORT": "1", "DESCENT_URL": "http://elsewhere"}
    else:
        words = [sys.executable, "-m", "service"]
        settings |= {"DESCENT_PORT": str(port)}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(words, cwd=tmp_path, env=environment(**settings), stdout=log, stderr=log)
    try:
        wait_until(lambda: is_ready(port), what=lambda: f"it responds; its log: {(tmp_path / 'log').read_text()}")
        (tmp_path / "line.json").write_text('{"x": [1, 2], "y": [2, 4]}')
        url = f"http://127.0.0.1:{port}"
        assert descent("train", "line.json", "--url", url, folder=tmp_path).returncode == 0
        assert (tmp_path / "here/default/1/model.pt").is_file()
    finally:
        process.send_signal(stop)
        assert process.wait(60) == 0
    assert (tmp_path / "log").read_text() == ""


def is_ready(port):
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz").is_success
    except httpx.TransportError:
        return False
