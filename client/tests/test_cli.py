"""The command line over a folder, which it works on through the client and the app in process."""

import io
import json
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import get_args

import httpx
import pytest
from rich.console import Console
from typer.testing import CliRunner

from descent import Client, Problem, Unreachable, Unsendable, __version__
from descent.cli import commands, display, main, options, session, terminal
from descent.cli.files import MEDIA_TYPES, file_of, watched
from descent.cli.server_process import environment
from service.api import schemas
from service.settings import Settings

ROOT = Path(__file__).parents[2]
HOUSES = {"x": {"area": [50, 70, 80, 100], "rooms": [2, 3, 3, 4]}, "y": [150, 210, 240, 310]}


@pytest.fixture
def descent(tmp_path, monkeypatch):
    """Run a command on a store of one's own: descent("models", "--json")."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DESCENT_URL", raising=False)
    (tmp_path / "store").mkdir()

    def run(*arguments, place=("--store", "store"), **options):
        return CliRunner().invoke(commands.app, [*arguments, *place], **options)

    return run


@pytest.fixture
def houses(descent, tmp_path):
    """A file of houses, and a model of them."""
    path = tmp_path / "houses.json"
    path.write_text(json.dumps(HOUSES))
    (tmp_path / "new.json").write_text('{"x": [{"area": 60, "rooms": 2}, {"area": 90, "rooms": 3}]}')
    trained = descent("train", "houses.json", "--model", "houses")
    assert trained.exit_code == 0, trained.output
    return path


def told(result):
    """What was said on standard error, without the frame around it."""
    return " ".join(result.stderr.replace("│", " ").split())


def asked(monkeypatch, answer=None):
    """Let a transport stand in for the service; the requests that it gets."""
    requests = []

    def respond(request):
        requests.append((request.method, request.url.path, dict(request.url.params), request.read()))
        return httpx.Response(200, json=answer or {})

    def stub(url, store):
        return Client("http://stub", transport=httpx.MockTransport(respond))

    monkeypatch.setattr(session, "_client", stub)
    return requests


def test_a_training_shows_its_line_to_people(descent, houses):
    shown = descent("train", "houses.json", "--model", "houses").stdout
    assert "houses" in shown
    assert "2, serving" in shown
    rows = [line.split() for line in shown.splitlines()]
    assert ["area", "3", "0.7071067812"] in rows
    assert rows[-1][:2] == ["intercept", "-12.5"]


def test_programs_get_the_services_own_answer(descent, houses):
    answer = json.loads(descent("show", "houses", "--json").stdout)
    assert (answer["model"], answer["version"], answer["n"]) == ("houses", 1, 4)
    assert answer["w"]["area"] == pytest.approx(3)
    [listed] = json.loads(descent("models", "--json").stdout)
    assert listed == {"model": "houses", "serving": 1, "versions": [1], "description": None, "labels": {}}


def test_models_are_listed_by_prefix(descent, houses):
    descent("train", "houses.json", "--model", "flats")
    shown = descent("models", "--prefix", "h").stdout
    assert [line.split() for line in shown.splitlines()] == [
        ["model", "serving", "newest", "versions"],
        ["houses", "1", "1", "1"],
    ]


def test_predictions_are_shown_or_written(descent, houses, tmp_path):
    shown = descent("predict", "new.json", "--model", "houses").stdout
    assert [line.split() for line in shown.splitlines()][1:] == [["row", "y"], ["0", "177.5"], ["1", "272.5"]]
    answer = json.loads(descent("predict", "new.json", "--model", "houses", "--json").stdout)
    assert answer["y"] == pytest.approx([177.5, 272.5])
    assert descent("predict", "new.json", "--model", "houses", "--version", "1", "--out", "y.json").stdout == ""
    assert json.loads((tmp_path / "y.json").read_text()) == answer


def test_a_prediction_is_explained(descent, houses, tmp_path):
    (tmp_path / "new.csv").write_text("rooms,area,town\n2,60,1\n3,,1\n")
    how = ("--x", "area", "--x", "rooms", "--missing", "drop", "--explain")
    shown = descent("predict", "new.csv", "--model", "houses", *how, env={"COLUMNS": "120"}).stdout
    assert shown.splitlines()[0] == "houses, version 1, mean prediction 227.5, 1 dropped"
    assert [line.split() for line in shown.splitlines()][1:] == [
        ["row", "y", "contributions.area", "contributions.rooms"],
        ["0", "177.5", "-45", "-5"],
    ]
    descent("predict", "new.csv", "--model", "houses", *how, "--out", "y.csv")
    assert (tmp_path / "y.csv").read_text().startswith('"y","contributions.area","contributions.rooms"\n177.5,')


def test_a_version_is_evaluated(descent, houses, tmp_path):
    (tmp_path / "houses.csv").write_text("area,rooms,price\n50,2,150\n70,3,210\n80,3,240\n100,4,310\n")
    evaluate = ("evaluate", "houses.csv", "--model", "houses", "--y", "price")
    answer = json.loads(descent(*evaluate, "--json").stdout)
    assert (answer["n"], answer["mse"]) == (4, pytest.approx(6.25))
    assert ["rmse", "2.5"] in [line.split() for line in descent(*evaluate).stdout.splitlines()]
    assert json.loads(descent("evaluate", "houses.json", "--model", "houses", "--json").stdout)["n"] == 4


def test_a_history_is_shown(descent, houses):
    descent("train", "houses.json", "--model", "houses")
    answer = json.loads(descent("history", "houses", "--version", "1", "--json").stdout)
    assert (answer["version"], answer["epoch"][0], len(answer["loss"])) == (1, 0, len(answer["epoch"]))
    title, head, first, *_, last = descent("history", "houses").stdout.splitlines()
    assert (title, head.split(), first.split()[0]) == ("houses, version 2", ["epoch", "loss"], "0")
    assert last.split() == [str(answer["epoch"][-1]), "6.25"]


def test_a_file_is_downloaded_and_a_refusal_leaves_what_is_there(descent, houses, tmp_path):
    found = descent("download", "houses", "--out", "houses.pt")
    assert found.stdout == "houses, version 1: written to houses.pt\n"
    written = (tmp_path / "houses.pt").read_bytes()
    assert written == (tmp_path / "store/houses/1/model.pt").read_bytes()
    assert descent("download", "houses", "--version", "2", "--out", "houses.pt").exit_code == session.NOT_FOUND
    assert descent("download", "flats", "--out", "houses.pt").exit_code == session.NOT_FOUND
    assert (tmp_path / "houses.pt").read_bytes() == written
    answer = json.loads(descent("download", "houses", "--version", "1", "--out", "1.pt", "--json").stdout)
    assert answer == {"model": "houses", "version": 1, "out": "1.pt"}
    assert (tmp_path / "1.pt").read_bytes() == written


def test_a_refused_prediction_leaves_the_file_as_it_was(descent, houses, tmp_path):
    (tmp_path / "y.json").write_text("mine")
    assert descent("predict", "new.json", "--model", "nothing", "--out", "y.json").exit_code == 4
    assert (tmp_path / "y.json").read_text() == "mine"


def test_a_column_that_is_missing_is_told_for_options_and_queries_alike(descent, tmp_path):
    (tmp_path / "houses.csv").write_text("area,price\n1,2\n2,3\n")
    refused = descent("train", "houses.csv")
    assert refused.exit_code == session.REFUSED
    assert "column 'y' is missing; the columns are 'area', 'price'; choose another with y=" in refused.stderr


def test_the_releases_are_told(descent):
    assert descent("--version", place=()).stdout == f"descent {__version__}\n"
    answer = json.loads(descent("version", "--json").stdout)
    assert answer["client"] == answer["service"]
    assert descent("version").stdout.startswith(f"descent {answer['client']}, service ")


def test_a_refusal_is_told_with_its_exit_status(descent, houses, tmp_path):
    (tmp_path / "bad.json").write_text('{"x": [1, "two"], "y": [1, 2]}')
    refused = descent("train", "bad.json")
    assert refused.exit_code == session.REFUSED
    assert "/x/1: is text, not a number" in refused.stderr
    assert refused.stdout == ""
    document = json.loads(descent("train", "bad.json", "--json").stderr)
    assert document["errors"] == [{"pointer": "/x/1", "detail": "is text, not a number"}]
    assert descent("show", "nothing").exit_code == session.NOT_FOUND


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Problem(422, {}), 3),
        (Problem(409, {}), 3),
        (Unsendable(), 2),
        (Problem(404, {}), 4),
        (Problem(429, {}), 5),
        (Problem(503, {}), 5),
        (Unreachable(), 6),
    ],
)
def test_every_error_has_its_exit_status(error, status):
    assert session.status_of(error) == status


def test_a_service_that_is_not_there_is_told(descent, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    absent = descent("models", place=("--url", "http://127.0.0.1:9"))
    assert absent.exit_code == session.UNREACHABLE
    assert "http://127.0.0.1:9 does not answer" in absent.stderr
    monkeypatch.setenv("DESCENT_URL", "http://127.0.0.1:10")
    absent = descent("models", "--json", place=())
    assert "127.0.0.1:10" in json.loads(absent.stderr)["detail"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("models", "--url", "http://127.0.0.1:9"),
        ("train", "absent.json"),
        ("train", "houses.txt"),
        ("train", "houses.json", "--method", "newton"),
        ("train", "houses.csv", "--missing", "fill"),
        ("predict", "houses.csv", "--interval-kind", "credible"),
        ("predict", "houses.json", "--out", "y"),
        ("predict", "houses.json", "--out", "nowhere/y.csv"),
        ("download", "houses"),
        ("download", "houses", "--out", "nowhere/houses.pt"),
        ("serve", "--log-level", "loud"),
        ("show", ".."),
        ("pin", "houses", "0"),
        ("rm", "houses"),
        ("fit",),
    ],
)
def test_wrong_usage_has_status_2(descent, houses, tmp_path, arguments):
    (tmp_path / "houses.txt").write_text("")
    (tmp_path / "houses.csv").write_text("x,y\n1,2\n")
    found = descent(*arguments)
    assert found.exit_code == 2, found.output


@pytest.mark.parametrize(
    ("arguments", "detail"),
    [
        (("train", "passwd"), "passwd has no suffix to tell its format; use .csv, .parquet"),
        (("train", "houses.txt"), "no format is known by the suffix .txt; use .csv, .parquet"),
        (("predict", "new.json", "--out", "nowhere/y.csv"), "there is no folder nowhere"),
        (("train", "houses.csv", "--initial", "w=1"), "'w=1' is not JSON"),
        (("rm", "houses"), "standard input is not a terminal; confirm with --yes"),
    ],
)
def test_wrong_usage_is_told_in_plain_words(descent, houses, tmp_path, arguments, detail):
    for name in ("passwd", "houses.txt", "houses.csv"):
        (tmp_path / name).write_text("")
    refused = descent(*arguments)
    assert refused.exit_code == 2
    assert detail in told(refused)


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("train", "--l2", "1"), "l2"),
        (("train", "--y", "price"), "y"),
        (("train", "--x", "area", "--no-standardize"), "x and standardize"),
        (("train", "--weight", "w", "--append-to", "1"), "sample_weight and append"),
        (("predict", "--interval", "0.9"), "interval"),
        (("predict", "--explain", "--missing", "drop"), "missing and explain"),
        (("evaluate", "--y", "price"), "y"),
    ],
)
def test_a_request_in_json_has_its_options_inside(descent, houses, monkeypatch, arguments, names):
    requests = asked(monkeypatch)
    refused = descent(arguments[0], "houses.json", *arguments[1:])
    assert refused.exit_code == 2
    expected = f"a .json file holds the whole request: put {names} in the file, or send a table such as .csv"
    assert expected in told(refused)
    assert not requests


@pytest.mark.parametrize(
    "arguments",
    [
        *("models", "show m", "history m", "download m --out m.pt", "predict new.json", "evaluate houses.json"),
        *("pin m 1", "unpin m", "rm m -y", "version"),
    ],
)
def test_only_a_training_makes_the_folder_of_models(descent, houses, tmp_path, arguments):
    refused = descent(*arguments.split(), place=("--store", "typo"))
    assert refused.exit_code == 2
    assert "--store: there is no folder typo" in told(refused)
    assert not (tmp_path / "typo").exists()
    assert descent("train", "houses.json", place=("--store", "typo")).exit_code == 0
    assert descent("models", place=("--store", "typo")).exit_code == 0


@pytest.mark.parametrize("url", ["127.0.0.1:8472", "localhost", "http://service:port"])
def test_a_url_that_is_none_is_wrong_usage(descent, monkeypatch, url):
    refused = descent("models", place=("--url", url))
    assert refused.exit_code == 2
    assert repr(url) in refused.stderr
    assert "such as http://127.0.0.1:8000" in refused.stderr
    monkeypatch.setenv("DESCENT_URL", url)
    assert descent("models", place=()).exit_code == 2


def test_a_setting_that_cannot_be_used_is_wrong_usage(descent, monkeypatch):
    monkeypatch.setenv("DESCENT_MAX_COLUMNS", "many")
    found = descent("models")
    assert found.exit_code == 2
    assert "DESCENT_MAX_COLUMNS" in found.stderr


def test_options_of_a_training_go_into_the_query(descent, houses, tmp_path, monkeypatch):
    requests = asked(monkeypatch, json.loads(descent("show", "houses", "--json").stdout))
    columns = ("--y", "price", "--x", "area", "--x", "rooms", "--weight", "w", "--missing", "drop")
    how = ("--learning-rate", "0.01", "--epochs", "5", "--seed", "1", "--no-standardize", "--l2", "0.5")
    more = ("--no-fit-intercept", "--append-to", "3", "--decay", "0.9", "--dry-run", "--method", "spectral")
    start = ("--initial", '{"w": [1, 2], "b": 0}')
    (tmp_path / "houses.csv").write_text("area,rooms,price,w\n1,2,3,4\n")
    assert descent("train", "houses.csv", "--model", "m", *columns, *how, *more, *start).exit_code == 0
    [(method, path, query, body)] = requests
    assert (method, path, body) == ("POST", "/models/m/train", (tmp_path / "houses.csv").read_bytes())
    assert query == {
        "y": "price", "x": "area,rooms", "weight": "w", "missing": "drop", "learning_rate": "0.01", "epochs": "5",
        "seed": "1", "standardize": "false", "l2": "0.5", "fit_intercept": "false", "append": "3", "decay": "0.9",
        "dry_run": "true", "method": "spectral", "initial": '{"w": [1, 2], "b": 0}',
    }  # fmt: skip
    descent("train", "houses.csv", "--append")
    assert requests[1][2] == {"append": "true"}


def test_options_of_a_prediction_go_into_the_query(descent, houses, tmp_path, monkeypatch):
    requests = asked(monkeypatch, {"model": "m", "version": 1, "y": [1.0]})
    (tmp_path / "new.csv").write_text("area,rooms\n1,2\n")
    what = ("--interval", "0.9", "--interval-kind", "confidence", "--x", "area", "--missing", "drop", "--explain")
    assert descent("predict", "new.csv", "--model", "m", *what).exit_code == 0
    [(method, path, query, body)] = requests
    assert (method, path, body) == ("POST", "/models/m/predict", (tmp_path / "new.csv").read_bytes())
    assert query == {
        "interval": "0.9", "interval_kind": "confidence", "x": "area", "missing": "drop", "explain": "true"
    }  # fmt: skip


def test_options_of_an_evaluation_go_into_the_query(descent, houses, tmp_path, monkeypatch):
    answer = {"model": "m", "version": 3, "n": 4, "mse": 6.25, "rmse": 2.5, "mae": 2.0, "r2": None, "bias": 0.0}
    requests = asked(monkeypatch, answer | {"dropped": 1})
    (tmp_path / "houses.csv").write_text("area,rooms,price,w\n1,2,3,4\n")
    columns = ("--y", "price", "--x", "area", "--x", "rooms", "--weight", "w", "--missing", "drop")
    found = descent("evaluate", "houses.csv", "--model", "m", "--version", "3", *columns)
    [(method, path, query, body)] = requests
    assert (method, path, body) == ("POST", "/models/m/versions/3/evaluate", (tmp_path / "houses.csv").read_bytes())
    assert query == {"y": "price", "x": "area,rooms", "weight": "w", "missing": "drop"}
    assert [line.split() for line in found.stdout.splitlines()] == [
        ["model", "m"], ["version", "3"], ["rows", "4,", "1", "dropped"], ["mse", "6.25"], ["rmse", "2.5"],
        ["mae", "2"], ["r2", "–"], ["bias", "0"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "request_line", "said"),
    [
        (("pin", "m", "3"), ("PUT", "/models/m/serving"), "m: version 3 is pinned\n"),
        (("unpin", "m"), ("DELETE", "/models/m/serving"), "m: the newest version serves\n"),
        (("rm", "m", "--yes"), ("DELETE", "/models/m"), "m with all its versions: deleted\n"),
        (("rm", "m", "--version", "3", "-y"), ("DELETE", "/models/m/versions/3"), "m, version 3: deleted\n"),
    ],
)
def test_models_are_looked_after(descent, monkeypatch, arguments, request_line, said):
    requests = asked(monkeypatch)
    assert descent(*arguments).stdout == said
    assert requests[0][:2] == request_line


def test_deleting_asks_the_person_who_is_there(descent, monkeypatch):
    requests = asked(monkeypatch)
    monkeypatch.setattr(terminal, "_somebody_is_there", lambda: True)
    declined = descent("rm", "m", input="n\n")
    assert declined.exit_code == 1
    assert not requests
    assert descent("rm", "m", input="y\n").exit_code == 0
    assert len(requests) == 1


def test_an_upload_shows_how_far_it_got(tmp_path):
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(bytes(3 << 20))
    screen = Console(file=io.StringIO(), force_terminal=True, width=100)
    with watched(file_of(path, ()), screen) as file:
        file.progress(1 << 20, 3 << 20)
        file.progress(3 << 20, 3 << 20)
    assert "rows.csv.gz" in screen.file.getvalue()
    assert "3.1/3.1 MB" in screen.file.getvalue()
    assert (file.media_type, file.encoding) == ("text/csv", "gzip")
    silent = Console(file=io.StringIO(), width=100)
    with watched(file_of(path, ()), silent) as file:
        file.progress(1 << 20, 3 << 20)
    assert silent.file.getvalue().strip() == ""


def test_a_fit_is_shown_whatever_is_undefined(capsys):
    answer = {
        "model": "m", "version": None, "serving": 1, "n": 1.5, "loss": 0.0, "epochs": None, "converged": False,
        "columns": ["x0", "x1"], "w": [1.0, 2.0], "b": 0.0, "warnings": [{"detail": "x1 is constant"}],
        "optimum": {"loss": 0.0, "r2": None, "std_errors": None},
    }  # fmt: skip
    display.fit(answer, Console(width=80))
    shown = capsys.readouterr().out
    for said in ("nothing was saved", "more than 2⁵³, not converged", "–", "warning: x1 is constant"):
        assert said in shown
    display.fit(answer | {"version": 2, "w": 1.0, "columns": ["x"], "epochs": 3}, Console(width=80))
    assert "2, version 1 serves" in capsys.readouterr().out


def test_a_single_prediction_is_a_row_with_its_bounds(capsys):
    display.predictions({"model": "m", "version": 1, "y": 2.0, "lower": 1.0, "upper": 3.0}, Console(width=80))
    assert capsys.readouterr().out.splitlines()[2].split() == ["0", "2", "1", "3"]


@pytest.mark.parametrize(
    ("y", "contributions", "names", "rows"),
    [
        ([3.0, 4.0], {"a": [1.0, 2.0], "b": [0.5, 1.0]}, ["a", "b"], [["1", "0.5"], ["2", "1"]]),
        ([3.0, 4.0], [[1.0, 0.5], [2.0, 1.0]], ["x0", "x1"], [["1", "0.5"], ["2", "1"]]),
        ([3.0, 4.0], [1.0, 2.0], ["x"], [["1"], ["2"]]),
        (3.0, {"a": 1.0, "b": 0.5}, ["a", "b"], [["1", "0.5"]]),
        (3.0, [1.0, 0.5], ["x0", "x1"], [["1", "0.5"]]),
        (3.0, 1.0, ["x"], [["1"]]),
    ],
)
def test_contributions_have_a_column_each_in_every_form(capsys, y, contributions, names, rows):
    answer = {"model": "m", "version": 1, "y": y, "mean_prediction": 2.0, "contributions": contributions}
    display.predictions(answer, Console(width=80))
    _, head, *body = (line.split() for line in capsys.readouterr().out.splitlines())
    assert head == ["row", "y", *(f"contributions.{name}" for name in names)]
    assert [line[2:] for line in body] == rows


def test_a_history_of_a_penalised_fit_has_its_objective(capsys):
    display.history({"model": "m", "version": 1, "epoch": [0], "loss": [2.0], "objective": [3.0]}, Console(width=80))
    assert [line.split() for line in capsys.readouterr().out.splitlines()[1:]] == [
        ["epoch", "loss", "objective"],
        ["0", "2", "3"],
    ]


def test_serve_becomes_gunicorn_with_its_options_before_the_environment(descent, monkeypatch):
    became = []
    monkeypatch.setattr("os.execve", lambda *arguments: became.append(arguments))
    monkeypatch.setenv("DESCENT_PORT", "1")
    monkeypatch.setenv("DESCENT_THREADS", "7")
    monkeypatch.setenv("DESCENT_URL", "http://elsewhere")
    assert descent("serve", "--port", "0", "--workers", "3").exit_code == 0
    [(program, arguments, variables)] = became
    assert program == arguments[0] == sys.executable
    assert arguments[1:] == ["-m", "service"]
    found = {name: variables.get(f"DESCENT_{name}") for name in ("PORT", "WORKERS", "THREADS", "STORE", "URL")}
    assert found == {"PORT": "0", "WORKERS": "3", "THREADS": "7", "STORE": "store", "URL": None}


def test_serve_refuses_what_no_setting_takes_by_the_name_it_came_under(descent, monkeypatch):
    monkeypatch.setenv("DESCENT_PORT", "70000")
    for arguments, told in [
        (("--port", "65536"), "Invalid value for --port: '65536': give a port number"),
        ((), "Invalid value: DESCENT_PORT='70000': give a port number"),
        (("--port", "1", "--workers", "0"), "Invalid value for --workers: '0': give a whole number"),
    ]:
        refused = descent("serve", *arguments)
        assert refused.exit_code == 2
        assert told in refused.stderr
    assert "DESCENT_STORE" not in environment({"store": None, "port": 1})


def help_of(descent, *command):
    return descent(*command, "--help", place=(), env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"}).stdout


COMMANDS = [
    "serve",
    "train",
    "predict",
    "evaluate",
    "models",
    "show",
    "history",
    "download",
    "pin",
    "unpin",
    "rm",
    "version",
]


@pytest.mark.parametrize("command", [(), *zip(COMMANDS, strict=True)], ids=str)
def test_help_shows_flags_without_a_type_and_cuts_nothing(descent, command):
    shown = help_of(descent, *command)
    assert "<bool>" not in shown
    assert "…" not in shown.replace('{"x": …, "y": …}', "")
    assert shown.count("--help") == 1
    assert set(re.findall("{([a-zA-Z]+)}", shown)) <= {"FILE", "MODEL", "VERSION"}


def test_help_tells_what_may_be_given(descent):
    assert set(COMMANDS) == set(re.findall("^│ ([a-z]+) ", help_of(descent), re.MULTILINE))
    train, predict = help_of(descent, "train"), help_of(descent, "predict")
    for option, said in {"y": "by default the one named y", "method": "spectral", "missing": "<refuse|drop>"}.items():
        assert said in " ".join(train[train.index(f"--{option} ") :].replace("│", "").split()[:30])
    assert "<prediction|confidence>" in predict
    assert "<debug|info|warning|error>" in help_of(descent, "serve")
    assert "0 done; 1 not confirmed" in help_of(descent)
    described = re.findall(r"^│ \*? *--?([a-z-]+)(.*)", train, re.MULTILINE)
    assert all(re.search("[A-Za-z]{2}", re.sub("--[a-z-]+|<.*?>", "", rest)) for _, rest in described)


def test_the_choices_are_those_of_the_service():
    def accepted(schema, name):
        return schema().fields[name].validate.choices

    assert accepted(schemas.TrainOptions, "method") == list(get_args(options.Method))
    assert accepted(schemas.RowOptions, "missing") == list(get_args(options.MissingValues))
    assert accepted(schemas.PredictOptions, "interval_kind") == list(get_args(options.IntervalKind))
    for level in get_args(options.LogLevel):
        Settings.from_environment({"DESCENT_LOG_LEVEL": level})


@pytest.mark.parametrize("command", ["--help", "train --help", "models --url http://127.0.0.1:9"])
def test_what_needs_no_app_imports_none_of_its_heavy_parts(command):
    code = f"""if True:
        import sys, time
        time.sleep = lambda _: None
        from descent.cli import main
        sys.argv = ["descent", *{command.split()!r}]
        try:
            main()
        except SystemExit:
            pass
        heavy = {{"torch", "scipy", "numpy", "pandas", "pyarrow", "flask", "marshmallow", "prometheus_client"}}
        assert not heavy & set(sys.modules), heavy & set(sys.modules)
    """
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)


def test_the_installed_command_is_the_modules():
    [command] = entry_points(group="console_scripts", name="descent")
    assert command.load() is main


def test_the_suffixes_are_all_named_in_the_documentation():
    page = (ROOT / "docs/command-line.md").read_text("utf-8")
    assert all(f"`{suffix}`" in page and media_type in page for suffix, media_type in MEDIA_TYPES.items())
