import json

import httpx
import pytest
from fake_service import ok, problem

from descent.cli import session

FIT = {
    "model": "m", "version": 2, "serving": 2, "n": 4, "loss": 6.25, "epochs": 3, "converged": True, "columns": ["a"],
    "w": [3.0], "b": -12.5, "warnings": [], "optimum": {"loss": 6.25, "r2": 0.99, "std_errors": None},
}  # fmt: skip
COLUMNS = ("--y", "price", "--x", "area", "--x", "rooms", "--weight", "w", "--missing", "drop", "--delimiter", "tab",
           "--decimal", ",", "--thousands", ".")  # fmt: skip
SEPARATORS = {"delimiter": "tab", "decimal": ",", "thousands": "."}
COLUMN_QUERY = {"y": "price", "x": "area,rooms", "weight": "w", "missing": "drop", **SEPARATORS}


@pytest.fixture(autouse=True)
def files(run, tmp_path):
    """A table and a JSON request in the folder of the command."""
    (tmp_path / "rows.csv").write_text("area,rooms,price,w\n1,2,3,4\n")
    (tmp_path / "rows.json").write_text('{"x": [1, 2], "y": [1, 2]}')


def test_every_training_option_is_sent(run, service):
    service.responses = [ok(FIT)]
    options = ("--learning-rate", "0.01", "--epochs", "5", "--seed", "1", "--no-standardize", "--l2", "0.5")
    more = ("--no-fit-intercept", "--append-to", "3", "--decay", "0.9", "--dry-run", "--method", "spectral")
    start = ("--initial", '{"w": [1, 2], "b": 0}')
    assert run("train", "rows.csv", "--model", "m", *COLUMNS, *options, *more, *start).exit_code == 0
    assert (service.last.method, service.last.url.path) == ("POST", "/models/m/train")
    assert service.last.content == b"area,rooms,price,w\n1,2,3,4\n"
    assert dict(service.last.url.params) == COLUMN_QUERY | {
        "learning_rate": "0.01", "epochs": "5", "seed": "1", "standardize": "false", "l2": "0.5",
        "fit_intercept": "false", "append": "3", "decay": "0.9", "dry_run": "true", "method": "spectral",
        "initial": '{"w": [1, 2], "b": 0}',
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "query"),
    [
        ((), {}),
        (("--append",), {"append": "true"}),
        (("--learning-rate", "auto", "--standardize"), {"learning_rate": "auto", "standardize": "true"}),
        (("--missing", "error"), {"missing": "error"}),
    ],
)
def test_training_options_that_are_not_given_are_not_sent(run, service, options, query):
    service.responses = [ok(FIT)]
    assert run("train", "rows.csv", *options).exit_code == 0
    assert service.last.url.path == "/models/default/train"
    assert dict(service.last.url.params) == query


def test_every_prediction_option_is_sent(run, service):
    service.responses = [ok({"model": "m", "version": 1, "y": [1.0]})]
    options = ("--interval", "0.9", "--interval-kind", "confidence", "--x", "area", "--missing", "drop", "--explain")
    more = ("--strict", "--delimiter", "tab", "--decimal", ",", "--thousands", ".")
    assert run("predict", "rows.csv", "--model", "m", "--version", "3", *options, *more).exit_code == 0
    assert (service.last.method, service.last.url.path) == ("POST", "/models/m/versions/3/predict")
    assert dict(service.last.url.params) == {
        "interval": "0.9", "interval_kind": "confidence", "x": "area", "missing": "drop", "explain": "true",
        "strict": "true", **SEPARATORS,
    }  # fmt: skip


def test_every_evaluation_option_is_sent(run, service):
    answer = {"model": "m", "version": 3, "n": 4, "mse": 6.25, "rmse": 2.5, "mae": 2.0, "r2": None, "bias": 0.0}
    service.responses = [ok(answer | {"dropped": 1})]
    found = run("evaluate", "rows.csv", "--model", "m", "--version", "3", *COLUMNS, "--strict")
    assert (service.last.method, service.last.url.path) == ("POST", "/models/m/versions/3/evaluate")
    assert dict(service.last.url.params) == COLUMN_QUERY | {"strict": "true"}
    assert [line.split() for line in found.stdout.splitlines()] == [
        ["model", "m"], ["version", "3"], ["rows", "4,", "1", "dropped"], ["mse", "6.25"], ["rmse", "2.5"],
        ["mae", "2"], ["r2", "–"], ["bias", "0"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "query"),
    [
        (("train", "--l2", "1", "--no-standardize"), {"l2": "1.0", "standardize": "false"}),
        (("train", "--append-to", "1", "--group", "sensor"), {"append": "1", "group": "sensor"}),
        (("predict", "--interval", "0.9", "--explain"), {"interval": "0.9", "explain": "true"}),
        (("evaluate", "--missing", "drop"), {"missing": "drop"}),
    ],
)
def test_options_are_sent_beside_a_json_request(run, service, arguments, query):
    service.responses = [problem(422)]
    run(arguments[0], "rows.json", *arguments[1:])
    assert dict(service.last.url.params) == query
    assert json.loads(service.last.content) == {"x": [1, 2], "y": [1, 2]}


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("train", "--y", "price"), "--y"),
        (("train", "--x", "area", "--weight", "w"), "--x and --weight"),
        (("predict", "--x", "area"), "--x"),
        (("evaluate", "--y", "price"), "--y"),
    ],
)
def test_a_json_request_holds_its_columns(run, service, arguments, names):
    refused = run(arguments[0], "rows.json", *arguments[1:])
    assert refused.exit_code == 2
    assert f"{names} chooses columns of a table, but a .json file holds x and y. Leave out {names}" in refused.stderr
    assert not service.requests


@pytest.mark.parametrize("append", [("--append",), ("--append-to", "1")])
def test_json_prints_the_response_of_the_service(run, service, append):
    service.responses = [ok(FIT)]
    found = run("train", "rows.csv", "--json", *append)
    assert found.stdout == json.dumps(FIT) + "\n"


def test_predictions_are_written_to_a_file(run, service, tmp_path):
    service.responses = [lambda _: httpx.Response(200, content=b"y\n2\n", headers={"Content-Type": "text/csv"})]
    assert run("predict", "rows.csv", "--out", "y.csv").stdout == ""
    assert service.last.headers["Accept"] == "text/csv"
    assert (tmp_path / "y.csv").read_text() == "y\n2\n"


def test_a_refused_prediction_leaves_the_file_as_it_was(run, service, tmp_path):
    (tmp_path / "y.json").write_text("mine")
    service.responses = [problem(404)]
    assert run("predict", "rows.csv", "--out", "y.json").exit_code == session.NOT_FOUND
    assert (tmp_path / "y.json").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("train", "absent.csv"), "File 'absent.csv' does not exist"),
        (("train", "rows"), "rows has no suffix; use .csv, .tsv, .parquet"),
        (("train", "rows.txt"), "Unsupported file type .txt; use .csv, .tsv, .parquet"),
        (("train", "rows.csv", "--method", "newton"), "'newton' is not one of 'spectral', 'autograd'"),
        (("train", "rows.csv", "--missing", "fill"), "'fill' is not one of 'error', 'drop'"),
        (("train", "rows.csv", "--initial", "w=1"), "'w=1' is neither JSON nor zeros"),
        (("train", "rows.csv", "--learning-rate", "fast"), "'fast' is neither a number nor auto"),
        (("train", "rows.csv", "--append-to", "0"), "0 is not in the range x>=1"),
        (("predict", "rows.csv", "--interval-kind", "credible"), "'credible' is not one of"),
        (("predict", "rows.csv", "--out", "y"), "Invalid value for --out: y has no suffix"),
        (("predict", "rows.csv", "--out", "nowhere/y.csv"), "folder nowhere does not exist"),
    ],
)
def test_wrong_usage_is_reported_before_anything_is_sent(run, service, tmp_path, arguments, reason):
    for name in ("rows", "rows.txt"):
        (tmp_path / name).write_text("")
    refused = run(*arguments)
    assert refused.exit_code == session.USAGE
    assert reason in refused.stderr
    assert not service.requests
