import json

import httpx
import pytest
from fake_service import ok, problem

from descent import __version__
from descent.cli import session, terminal

VERSIONS = [
    {
        "version": 3, "trained_at": "2026-11-28T08:00:00.000Z", "loss": 6.25, "r2": 0.998, "n": 4, "serving": False,
        "pinned": False,
    },
    {
        "version": 2, "trained_at": "2026-11-27T08:00:00.500Z", "loss": 7.5, "r2": None, "n": 2.5, "serving": True,
        "pinned": True,
    },
]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "request_line", "output"),
    [
        (("pin", "m", "3"), ("PUT", "/models/m/serving"), "m: version 3 is pinned\n"),
        (("unpin", "m"), ("DELETE", "/models/m/serving"), "m: the newest version is serving\n"),
        (("rm", "m", "--yes"), ("DELETE", "/models/m"), "m with all its versions: deleted\n"),
        (("rm", "m", "--version", "3", "-y"), ("DELETE", "/models/m/versions/3"), "m, version 3: deleted\n"),
    ],
)
def test_a_change_is_confirmed_in_one_line(run, service, arguments, request_line, output):
    assert run(*arguments).stdout == output
    assert (service.last.method, service.last.url.path) == request_line


def test_models_are_listed_by_prefix(run, service):
    listed = [
        {"model": "houses", "serving": 1, "versions": [1, 2]},
        {"model": "homes", "serving": None, "versions": [4]},
    ]
    service.responses = [ok({"models": listed})]
    assert [line.split() for line in run("models", "--prefix", "ho").stdout.splitlines()] == [
        ["model", "serving", "newest", "versions"],
        ["houses", "1", "2", "2"],
        ["homes", "–", "4", "1"],
    ]
    assert service.last.url.params["prefix"] == "ho"
    assert json.loads(run("models", "--json").stdout) == listed


def test_versions_are_listed_newest_first(run, service):
    service.responses = [ok({"model": "m", "versions": VERSIONS})]
    assert [line.split() for line in run("versions", "m").stdout.splitlines()] == [
        ["version", "trained", "at", "rows", "loss", "R²", "state"],
        ["3", "2026-11-28T08:00:00.000Z", "4", "6.25", "0.998"],
        ["2", "2026-11-27T08:00:00.500Z", "2.5", "7.5", "–", "serving,", "pinned"],
    ]
    assert service.last.url.path == "/models/m/versions"
    assert json.loads(run("versions", "m", "--json").stdout) == VERSIONS


def test_a_loss_curve_is_shown(run, service):
    service.responses = [ok({"model": "m", "version": 3, "epoch": [0, 5], "loss": [2.0, 1.0]})]
    shown = run("history", "m", "--version", "3").stdout
    assert [line.split() for line in shown.splitlines()] == [
        ["m,", "version", "3"], ["epoch", "loss"], ["0", "2"], ["5", "1"],
    ]  # fmt: skip


def test_an_artifact_is_downloaded(run, service, tmp_path):
    service.responses = [ok({"serving": 7}), httpx.Response(200, content=b"PK")]
    assert run("download", "m", "--out", "m.pt").stdout == "m, version 7: written to m.pt\n"
    assert service.last.url.path == "/models/m/versions/7/artifact"
    assert (tmp_path / "m.pt").read_bytes() == b"PK"
    answer = json.loads(run("download", "m", "--version", "3", "--out", "m.pt", "--json").stdout)
    assert answer == {"model": "m", "version": 3, "out": "m.pt"}


def test_a_refused_download_leaves_the_file_as_it_was(run, service, tmp_path):
    (tmp_path / "m.pt").write_bytes(b"mine")
    service.responses = [problem(404)]
    assert run("download", "m", "--out", "m.pt").exit_code == session.NOT_FOUND
    assert (tmp_path / "m.pt").read_bytes() == b"mine"


def test_a_file_that_cannot_be_written_is_reported(run, service, tmp_path):
    service.responses = [httpx.Response(200, content=b"PK")]
    (tmp_path / "m.pt").symlink_to("m.pt")
    failed = run("download", "m", "--version", "1", "--out", "m.pt")
    assert failed.exit_code == 1
    assert "Could not open file 'm.pt'" in failed.stderr


def test_deleting_asks_for_confirmation_on_a_terminal(run, service, monkeypatch):
    monkeypatch.setattr(terminal, "is_interactive", lambda: True)
    assert run("rm", "m", input="n\n").exit_code == 1
    assert not service.requests
    assert run("rm", "m", input="y\n").exit_code == 0
    assert len(service.requests) == 1


def test_the_versions_of_the_software_are_shown(run, service):
    assert run("--version").stdout == f"descent {__version__}\n"
    service.responses = [httpx.Response(200, text="1.2.3\n")]
    assert run("version").stdout == f"descent {__version__}, service 1.2.3\n"
    assert json.loads(run("version", "--json").stdout) == {"client": __version__, "service": "1.2.3"}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("rm", "m"), "standard input is not a terminal; confirm with --yes"),
        (("download", "m"), "Missing option '--out'"),
        (("download", "m", "--out", "nowhere/m.pt"), "folder nowhere does not exist"),
        (("pin", "m", "0"), "0 is not in the range x>=1"),
        (("fit",), "No such command 'fit'"),
    ],
)
def test_wrong_usage_is_reported_before_anything_is_sent(run, service, arguments, reason):
    refused = run(*arguments)
    assert refused.exit_code == session.USAGE
    assert reason in refused.stderr
    assert not service.requests
