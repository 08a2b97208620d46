import json
import socket
import subprocess
import sys

import pytest
from fake_service import problem

from descent import InvalidArgument, Problem, UnexpectedResponse, Unreachable
from descent.cli import session


@pytest.fixture
def closed_port():
    """The URL of a port that nothing listens on."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidArgument(), 2),
        (Problem(422, {}), 3),
        (Problem(409, {}), 3),
        (UnexpectedResponse(), 3),
        (Problem(404, {}), 4),
        (Problem(429, {}), 5),
        (Problem(503, {}), 5),
        (Unreachable(), 6),
    ],
)
def test_every_error_has_an_exit_status(error, status):
    assert session.exit_status(error) == status


def test_a_problem_is_printed_with_its_title_and_detail(run, service):
    errors = [{"pointer": "/x/1", "detail": "is text, not a number"}]
    service.responses = [problem(422, errors=errors)]
    refused = run("show", "m", "--version", "1")
    assert (refused.exit_code, refused.stdout, refused.stderr) == (session.REFUSED, "", "Some\nFix it.\n")
    document = json.loads(run("show", "m", "--version", "1", "--json").stderr)
    assert (document["status"], document["errors"]) == (422, errors)


def test_a_refused_connection_is_reported_with_a_hint(run, closed_port, monkeypatch):
    refused = run("models", "--url", closed_port)
    assert refused.exit_code == session.UNREACHABLE
    assert refused.stderr.startswith(f"{closed_port} refused the connection")
    assert "descent serve" in refused.stderr
    monkeypatch.setenv("DESCENT_URL", closed_port)
    assert closed_port in json.loads(run("models", "--json").stderr)["detail"]


@pytest.mark.parametrize("url", ["127.0.0.1:8472", "localhost", "http://service:port"])
def test_an_invalid_url_is_wrong_usage(run, monkeypatch, url):
    refused = run("models", "--url", url)
    assert refused.exit_code == session.USAGE
    assert repr(url) in refused.stderr
    assert "such as http://127.0.0.1:8000" in refused.stderr
    monkeypatch.setenv("DESCENT_URL", url)
    assert run("models").exit_code == session.USAGE


def test_a_name_that_is_not_a_model_name_is_wrong_usage(run):
    assert run("show", "..").exit_code == session.USAGE


def test_a_url_and_a_folder_exclude_each_other(run):
    refused = run("models", "--url", "http://127.0.0.1:8000", "--store", "models")
    assert refused.exit_code == session.USAGE
    assert "give either --url or --store, not both" in refused.stderr


def test_a_folder_that_does_not_exist_is_wrong_usage(run, tmp_path):
    refused = run("models", "--store", "typo")
    assert refused.exit_code == session.USAGE
    assert "Invalid value for --store: folder typo does not exist" in refused.stderr
    assert not (tmp_path / "typo").exists()


@pytest.mark.parametrize(
    ("arguments", "feature"), [(("serve",), "serve"), (("models", "--store", "."), "--store")], ids=["serve", "store"]
)
def test_commands_that_need_the_service_report_in_one_line_that_it_is_not_installed(
    run, monkeypatch, arguments, feature
):
    monkeypatch.setitem(sys.modules, "service", None)
    for name in [name for name in sys.modules if name.startswith("service.")]:
        monkeypatch.delitem(sys.modules, name)
    failed = run(*arguments)
    assert failed.exit_code == session.USAGE
    assert failed.stderr.startswith(f"Error: {feature} needs the package descent-service in this Python environment")
    assert failed.stderr.count("\n") == 1


def test_the_command_without_click_reports_in_one_line_what_to_install():
    code = "import sys; sys.modules['click'] = None; from descent.cli import main; main()"
    failed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    expected = "descent: the command line needs click. Install it with: pip install 'descent-client[cli]'\n"
    assert (failed.returncode, failed.stderr) == (1, expected)


@pytest.mark.parametrize(
    ("command", "detail", "expected"),
    [
        ("train", "/y: is missing; choose another with y=", "--y: is missing; choose another with --y"),
        ("train", "/x: has no columns; use x=; /l2: is -1", "/x: has no columns; use --x; --l2: is -1"),
        ("train", "/y/3: is missing; set missing=drop", "/y/3: is missing; set --missing drop"),
        ("train", 'or "method": "spectral", weight=', "or --method spectral, --weight"),
        ("train", 'or "append": true, fit_intercept=false.', "or --append, --no-fit-intercept."),
        ("train", "/learning_rate: is 5", "--learning-rate: is 5"),
        ("train", "add delimiter=; to the query if ';'", "add --delimiter ';' if ';'"),
        ("evaluate", "add thousands=%20&decimal=, to the query", "add --thousands ' ' --decimal ,"),
        ("predict", "or decimal=, if it is", "or --decimal , if it is"),
        ("predict", "/interval_kind: needs interval", "--interval-kind: needs interval"),
        ("predict", "y=, strange=1", "y=, strange=1"),
    ],
)
def test_a_problem_speaks_of_flags_of_the_command(run, service, tmp_path, command, detail, expected):
    for name in ("rows.csv", "rows.json"):
        (tmp_path / name).write_text("x,y\n1,2\n")
    service.responses = [problem(422, detail=detail)]
    assert run(command, "rows.csv").stderr == f"Some\n{expected}\n"
    assert json.loads(run(command, "rows.csv", "--json").stderr)["detail"] == detail
    assert run(command, "rows.json").stderr == f"Some\n{detail}\n"
