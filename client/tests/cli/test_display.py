import pytest

from descent.cli import display, terminal

FIT = {
    "model": "m", "version": 2, "serving": 2, "n": 4, "loss": 0.0, "epochs": 3, "converged": True, "columns": ["x"],
    "w": 1.0, "b": -12.5, "warnings": [], "optimum": {"loss": 0.0, "r2": 1.0, "std_errors": {"w": 0.5, "b": 0.25}},
    "trained_at": "2026-11-28T08:00:00.000Z",
}  # fmt: skip


def lines(capsys):
    return [line.split() for line in capsys.readouterr().out.splitlines()]


def test_a_fit_is_shown_with_its_coefficients(capsys):
    display.fit(FIT)
    shown = lines(capsys)
    for line in [
        ["version", "2,", "serving"],
        ["rows", "4"],
        ["least-squares", "R²", "1"],
        ["epochs", "3,", "converged"],
        ["trained", "at", "2026-11-28T08:00:00.000Z"],
        ["column", "coefficient", "standard", "error"],
        ["x", "1", "0.5"],
        ["intercept", "-12.5", "0.25"],
    ]:
        assert line in shown


def test_a_dry_run_with_undefined_statistics_is_shown(capsys):
    optimum = {"loss": 0.0, "r2": None, "std_errors": None}
    undefined = {"version": None, "epochs": None, "converged": False, "optimum": optimum, "dropped": 3, "n": 1.5}
    warning = {"type": "constant", "detail": "x1 is constant \x1b[2J"}
    display.fit(FIT | undefined | {"columns": ["a", "b"], "w": {"a": 1.0, "b": 2.0}, "warnings": [warning]})
    shown = capsys.readouterr().out
    for text in ("none (dry run)", "over 2⁵³, not converged", "1.5, 3 dropped", "–", "warning: x1 is constant ?[2J"):
        assert text in shown


def test_a_fit_that_is_not_serving_names_the_version_that_is(capsys):
    display.fit(FIT | {"serving": 1})
    assert "2, version 1 is serving" in capsys.readouterr().out
    display.fit({name: value for name, value in FIT.items() if name not in ("serving", "trained_at")})
    assert ["version", "2"] in lines(capsys)


def test_a_single_prediction_is_a_row_with_its_bounds(capsys):
    display.predictions({"model": "m", "version": 1, "y": 2.0, "lower": 1.0, "upper": 3.0})
    assert lines(capsys) == [["m,", "version", "1"], ["row", "y", "lower", "upper"], ["0", "2", "1", "3"]]


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
    answer = {"model": "m", "version": 1, "y": y, "mean_prediction": 2.0, "contributions": contributions, "dropped": 1}
    display.predictions(answer)
    title, head, *body = lines(capsys)
    assert " ".join(title) == "m, version 1, mean prediction 2, 1 dropped"
    assert head == ["row", "y", *(f"contributions.{name}" for name in names)]
    assert [line[2:] for line in body] == rows


def test_the_history_of_a_penalised_fit_has_its_objective(capsys):
    display.history({"model": "m", "version": 1, "epoch": [0], "loss": [2.0], "objective": [3.0]})
    assert lines(capsys)[1:] == [["epoch", "loss", "objective"], ["0", "2", "3"]]


def test_columns_of_a_table_are_aligned(capsys):
    terminal.print_table(["name", "n"], [["a\x1b[2J", "1"], ["longer", "1000"]])
    assert capsys.readouterr().out == "name       n\na?[2J      1\nlonger  1000\n"


def test_a_list_without_models_is_a_header(capsys):
    display.models([])
    assert lines(capsys) == [["model", "serving", "newest", "versions"]]


@pytest.mark.parametrize(
    ("found", "text"),
    [({"count": 2, "names": ["id", "town"]}, "id, town\n"), ({"count": 21, "names": ["a", "b"]}, "a, b … (21)\n")],
)
def test_ignored_columns_are_named(capsys, found, text):
    ignored = {"ignored_columns": found}
    display.fit(FIT | ignored)
    display.predictions({"model": "m", "version": 1, "y": 2.0} | ignored)
    evaluation = {"model": "m", "version": 1, "n": 2, "mse": 0.0, "rmse": 0.0, "mae": 0.0, "r2": 1.0, "bias": 0.0}
    display.evaluation(evaluation | ignored)
    shown = [line for line in capsys.readouterr().out.splitlines(keepends=True) if line.startswith("ignored columns")]
    assert len(shown) == 3
    assert all(line.endswith(text) for line in shown)
