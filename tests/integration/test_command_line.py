"""The command line on a folder of models, with the app in this process."""

import json
import sys
from typing import get_args

import pytest
from click.testing import CliRunner

from descent import options
from descent.cli import session
from descent.cli.commands import cli
from descent.cli.options import LogLevel
from service.api.schemas import options as schemas
from service.settings import Settings

HOUSES = {"x": {"area": [50, 70, 80, 100], "rooms": [2, 3, 3, 4]}, "y": [150, 210, 240, 310]}


@pytest.fixture
def descent(tmp_path, monkeypatch):
    """Run a command on a folder of models: descent("models", "--json")."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DESCENT_URL", raising=False)
    (tmp_path / "store").mkdir()
    return lambda *arguments, place=("--store", "store"): CliRunner().invoke(cli, [*arguments, *place])


@pytest.fixture
def houses(descent, tmp_path):
    """A model and the files that trained it."""
    (tmp_path / "houses.json").write_text(json.dumps(HOUSES))
    (tmp_path / "new.json").write_text('{"x": [{"area": 60, "rooms": 2}, {"area": 90, "rooms": 3}]}')
    (tmp_path / "houses.csv").write_text("area,rooms,price\n50,2,150\n70,3,210\n80,3,240\n100,4,310\n")
    trained = descent("train", "houses.json", "--model", "houses")
    assert trained.exit_code == 0, trained.output


def rows(result):
    return [line.split() for line in result.stdout.splitlines()]


@pytest.mark.usefixtures("houses")
def test_a_training_shows_the_coefficients(descent):
    shown = rows(descent("train", "houses.csv", "--y", "price", "--model", "houses"))
    assert ["version", "2,", "serving"] in shown
    assert ["area", "3", "0.7071067812"] in shown
    assert shown[-1][:2] == ["intercept", "-12.5"]


@pytest.mark.usefixtures("houses")
def test_json_is_the_response_of_the_service(descent):
    report = json.loads(descent("show", "houses", "--json").stdout)
    assert (report["model"], report["version"], report["n"]) == ("houses", 1, 4)
    assert report["w"]["area"] == pytest.approx(3)
    [listed] = json.loads(descent("models", "--json").stdout)
    assert listed == {"model": "houses", "serving": 1, "versions": [1], "description": None, "labels": {}}


@pytest.mark.usefixtures("houses")
def test_predictions_are_shown_and_written(descent, tmp_path):
    shown = rows(descent("predict", "new.json", "--model", "houses"))
    assert shown[1:] == [["row", "y"], ["0", "177.5"], ["1", "272.5"]]
    answer = json.loads(descent("predict", "new.json", "--model", "houses", "--json").stdout)
    assert answer["y"] == pytest.approx([177.5, 272.5])
    assert descent("predict", "new.json", "--model", "houses", "--version", "1", "--out", "y.json").stdout == ""
    assert json.loads((tmp_path / "y.json").read_text()) == answer


@pytest.mark.usefixtures("houses")
def test_contributions_are_shown_and_written(descent, tmp_path):
    (tmp_path / "new.csv").write_text("rooms,area,town\n2,60,1\n3,,1\n")
    options = ("--x", "area", "--x", "rooms", "--missing", "drop", "--explain")
    shown = descent("predict", "new.csv", "--model", "houses", *options)
    assert shown.stdout.splitlines()[0] == "houses, version 1, mean prediction 227.5, 1 dropped"
    head = ["row", "y", "contributions.area", "contributions.rooms"]
    assert rows(shown)[1:] == [head, ["0", "177.5", "-45", "-5"]]
    descent("predict", "new.csv", "--model", "houses", *options, "--out", "y.csv")
    assert (tmp_path / "y.csv").read_text().startswith('"y","contributions.area","contributions.rooms"\n177.5,')


@pytest.mark.usefixtures("houses")
def test_a_version_is_evaluated_and_its_loss_curve_shown(descent):
    evaluate = ("evaluate", "houses.csv", "--model", "houses", "--y", "price")
    assert ["rmse", "2.5"] in rows(descent(*evaluate))
    assert json.loads(descent(*evaluate, "--json").stdout)["mse"] == pytest.approx(6.25)
    answer = json.loads(descent("history", "houses", "--version", "1", "--json").stdout)
    assert rows(descent("history", "houses"))[-1] == [str(answer["epoch"][-1]), "6.25"]


@pytest.mark.usefixtures("houses")
def test_a_downloaded_file_is_that_of_the_store(descent, tmp_path):
    descent("download", "houses", "--out", "houses.pt")
    assert (tmp_path / "houses.pt").read_bytes() == (tmp_path / "store/houses/1/model.pt").read_bytes()
    assert descent("download", "houses", "--version", "2", "--out", "houses.pt").exit_code == session.NOT_FOUND


def test_a_refusal_is_shown_with_the_pointer_to_the_field(descent, tmp_path):
    (tmp_path / "bad.json").write_text('{"x": [1, "two"], "y": [1, 2]}')
    refused = descent("train", "bad.json")
    assert refused.exit_code == session.REFUSED
    assert "is not a number; Descent needs numbers" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "flag"),
    [
        ((), "choose another with --y\n"),
        (("--y", "price", "--x", "aera"), "choose another with --x\n"),
        (("--y", "price", "--weight", "w"), "choose another with --weight\n"),
        (("--y", "price"), "set --missing drop "),
        (("--y", "price", "--missing", "drop", "--l2", "-1"), "\n--l2: is -1"),
        (("--y", "price", "--missing", "drop", "--learning-rate", "9"), 'Use a smaller one, or "auto"'),
    ],
)
def test_a_refusal_names_the_flag_to_use(descent, tmp_path, arguments, flag):
    (tmp_path / "houses.csv").write_text("area,price\n50,150\n70,210\n80,\n100,310\n")
    refused = descent("train", "houses.csv", *arguments)
    assert refused.exit_code == session.REFUSED
    assert flag in refused.stderr
    assert "=" not in refused.stderr


@pytest.mark.parametrize("command", ["models", "show m", "predict new.json", "rm m -y", "version"])
@pytest.mark.usefixtures("houses")
def test_only_a_training_creates_the_folder(descent, tmp_path, command):
    assert descent(*command.split(), place=("--store", "typo")).exit_code == session.USAGE
    assert not (tmp_path / "typo").exists()
    assert descent("train", "houses.json", place=("--store", "typo")).exit_code == 0
    assert descent("models", place=("--store", "typo")).exit_code == 0


def test_an_invalid_setting_is_wrong_usage(descent, monkeypatch):
    monkeypatch.setenv("DESCENT_MAX_COLUMNS", "many")
    refused = descent("models")
    assert refused.exit_code == session.USAGE
    assert "DESCENT_MAX_COLUMNS" in refused.stderr


def test_serve_runs_the_service_with_its_options_before_the_environment(descent, monkeypatch):
    executed = []
    monkeypatch.setattr("os.execve", lambda *arguments: executed.append(arguments))
    for name, value in {"PORT": "1", "THREADS": "7", "URL": "http://elsewhere"}.items():
        monkeypatch.setenv(f"DESCENT_{name}", value)
    assert descent("serve", "--port", "0", "--workers", "3").exit_code == 0
    [(program, arguments, variables)] = executed
    assert program == arguments[0] == sys.executable
    assert arguments[1:] == ["-m", "service"]
    found = {name: variables.get(f"DESCENT_{name}") for name in ("PORT", "WORKERS", "THREADS", "STORE", "URL")}
    assert found == {"PORT": "0", "WORKERS": "3", "THREADS": "7", "STORE": "store", "URL": None}


@pytest.mark.parametrize(
    ("environment", "options", "reason"),
    [
        ({}, ("--port", "65536"), "65536 is not in the range 0<=x<=65535"),
        ({"DESCENT_PORT": "70000"}, (), "Invalid value: DESCENT_PORT='70000': give a port number"),
        ({}, ("--host", ""), "Invalid value for --host: '': give a non-empty string"),
        ({}, ("--log-level", "loud"), "'loud' is not one of"),
    ],
)
def test_serve_refuses_an_invalid_setting_by_its_name(descent, monkeypatch, environment, options, reason):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    refused = descent("serve", *options)
    assert refused.exit_code == session.USAGE
    assert reason in refused.stderr


def test_the_choices_are_those_of_the_service():
    def choices(schema, name):
        return schema().fields[name].validate.choices

    assert choices(schemas.TrainOptions, "method") == list(get_args(options.Method))
    assert choices(schemas.PredictOptions, "interval_kind") == list(get_args(options.IntervalKind))
    for level in get_args(LogLevel):
        Settings.from_environment({"DESCENT_LOG_LEVEL": level})
