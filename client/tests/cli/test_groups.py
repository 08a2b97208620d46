import json

import httpx
import pytest
from fake_service import ok

from descent.cli import session

PROBLEM = {"title": "None", "status": 404, "detail": "Model 's-b' does not exist; train it first."}
FAILED = {"group": "b", "model": "s-b", "rows": [1], "problem": PROBLEM}
FITS = [
    {"group": "a", "model": "s-a", "version": 2, "n": 2, "loss": 0.5, "r2": 0.25},
    {"group": "7", "model": "s-7", "version": None, "n": 1, "loss": 0.0, "r2": None},
]
PREDICTIONS = [
    {"group": "a", "model": "s-a", "version": 2, "rows": [0, 3], "y": [1.0, 4.0], "contributions": {"t": [0.5, 1.5]}},
    {"group": "7", "model": "s-7", "version": 1, "rows": [2], "y": [9.0], "contributions": {"u": [2.0]}},
]
GROUP = ("--group", "sensor", "--prefix", "s-")


@pytest.fixture(autouse=True)
def files(run, tmp_path):
    """A table in the folder of the command."""
    (tmp_path / "rows.csv").write_text("t,sensor,y\n1,a,2\n")


def rows(text):
    return [line.split() for line in text.splitlines()]


def test_a_training_by_group_shows_each_model(run, service):
    service.responses = [ok({"results": FITS})]
    found = run("train", "rows.csv", *GROUP, "--missing", "drop", "--l2", "1")
    assert service.last.url.path == "/models:train"
    assert dict(service.last.url.params) == {"group": "sensor", "prefix": "s-", "missing": "drop", "l2": "1.0"}
    assert rows(found.stdout) == [
        ["group", "model", "version", "rows", "loss", "R²"], ["a", "s-a", "2", "2", "0.5", "0.25"],
        ["7", "s-7", "none", "1", "0", "–"],
    ]  # fmt: skip
    assert (found.exit_code, found.stderr) == (0, "")


def test_predictions_by_group_are_shown_in_the_order_of_the_rows(run, service):
    service.responses = [ok({"results": PREDICTIONS})]
    found = run("predict", "rows.csv", *GROUP, "--explain", "--interval", "0.9")
    assert service.last.url.path == "/models:predict"
    assert rows(found.stdout) == [
        ["row", "group", "y", "contributions.t", "contributions.u"], ["0", "a", "1", "0.5", "–"],
        ["2", "7", "9", "–", "2"], ["3", "a", "4", "1.5", "–"],
    ]  # fmt: skip
    assert found.exit_code == 0


@pytest.mark.parametrize(("command", "results"), [("train", FITS), ("predict", PREDICTIONS)])
def test_a_group_that_fails_is_reported_after_the_others(run, service, command, results):
    service.responses = [ok({"results": [*results, *[FAILED] * 21]})]
    found = run(command, "rows.csv", *GROUP)
    assert found.exit_code == session.REFUSED
    assert len(found.stdout.splitlines()) > 2
    lines = found.stderr.splitlines()
    assert lines[0] == "group b: Model 's-b' does not exist; train it first."
    assert (len(lines), lines[-1]) == (21, "and 1 more groups")
    found = run(command, "rows.csv", *GROUP, "--json")
    assert (found.exit_code, found.stderr) == (session.REFUSED, "")
    assert json.loads(found.stdout)["results"][-1] == FAILED


def test_a_table_is_written_and_the_groups_without_predictions_are_named(run, service, tmp_path):
    headers = {"Content-Type": "text/csv", "Descent-Failed-Groups": "2; b, c%20d"}
    service.responses = [lambda _: httpx.Response(200, content=b"y\n2\n", headers=headers)]
    found = run("predict", "rows.csv", *GROUP, "--out", "y.csv")
    assert (tmp_path / "y.csv").read_text() == "y\n2\n"
    assert found.exit_code == session.REFUSED
    assert found.stderr == "no predictions for b, c d (groups: 2); omit --out to see the reasons\n"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("train", "--group", "sensor", "--model", "m"), "leave out --model and --version"),
        (("predict", "--group", "sensor", "--version", "1"), "leave out --model and --version"),
        (("predict", "--prefix", "s-"), "give --group too"),
    ],
)
def test_options_that_contradict_a_group_are_wrong_usage(run, service, arguments, reason):
    refused = run(arguments[0], "rows.csv", *arguments[1:])
    assert refused.exit_code == session.USAGE
    assert reason in refused.stderr
    assert not service.requests
