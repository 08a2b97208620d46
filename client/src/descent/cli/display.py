"""Results as text for people."""

from typing import Any

import click

from descent.cli.terminal import print_fields, print_table, printable
from descent.options import Json

FIT_NUMBERS = ("n", "loss", "r2")


def models(listed: list[Json]) -> None:
    """Print a table of models."""
    rows = [
        [each["model"], _number(each["serving"]), str(max(each["versions"])), str(len(each["versions"]))]
        for each in listed
    ]
    print_table(["model", "serving", "newest", "versions"], rows)


def versions(listed: list[Json]) -> None:
    """Print a table of the versions of a model."""
    rows = [
        [
            str(each["version"]),
            each["trained_at"],
            _number(each["n"]),
            _number(each["loss"]),
            _number(each["r2"]),
            ", ".join(state for state in ("serving", "pinned") if each[state]),
        ]
        for each in listed
    ]
    print_table(["version", "trained at", "rows", "loss", "R²", "state"], rows)


def fit(report: Json) -> None:
    """Print a version: its loss, its convergence, and its coefficients with their standard errors."""
    print_fields(_facts(report))
    columns = report["columns"]
    errors = report["optimum"]["std_errors"] or {"w": None, "b": None}
    coefficients = zip(columns, _per_column(report["w"], columns), _per_column(errors["w"], columns), strict=True)
    rows = [[name, _number(w), _number(error)] for name, w, error in coefficients]
    rows.append(["intercept", _number(report["b"]), _number(errors["b"])])
    print_table(["column", "coefficient", "standard error"], rows)
    for warning in report["warnings"]:
        click.secho(f"warning: {printable(warning['detail'])}", fg="yellow")


def predictions(answer: Json) -> None:
    """Print a table of predictions, with the bounds of their intervals and the contributions of columns if present."""
    columns = _columns(answer)
    mean = f", mean prediction {_number(answer['mean_prediction'])}" if "mean_prediction" in answer else ""
    click.echo(f"{answer['model']}, version {answer['version']}{mean}{_dropped(answer)}")
    if "ignored_columns" in answer:
        click.echo(f"ignored columns: {_ignored(answer)}")
    rows = [[str(row), *map(_number, numbers)] for row, numbers in enumerate(zip(*columns.values(), strict=True))]
    print_table(["row", *columns], rows)


def group_fits(answer: Json) -> None:
    """Print a table of the groups that were trained."""
    rows = [
        [each["group"], each["model"], str(each["version"] or "none"), *(_number(each[name]) for name in FIT_NUMBERS)]
        for each in answer["results"]
        if "problem" not in each
    ]
    print_table(["group", "model", "version", "rows", "loss", "R²"], rows)


def group_predictions(answer: Json) -> None:
    """Print a table of the predictions of all groups, in the order of their rows."""
    columns = [(each["group"], each["rows"], _columns(each)) for each in answer["results"] if "problem" not in each]
    names = list(dict.fromkeys(name for _, _, found in columns for name in found))
    rows = [
        (row, group, [found[name][index] if name in found else None for name in names])
        for group, positions, found in columns
        for index, row in enumerate(positions)
    ]
    print_table(
        ["row", "group", *names], [[str(row), group, *map(_number, found)] for row, group, found in sorted(rows)]
    )


def evaluation(answer: Json) -> None:
    """Print the metrics of an evaluation."""
    fields = {"model": answer["model"], "version": str(answer["version"]), "rows": f"{answer['n']}{_dropped(answer)}"}
    fields |= {"ignored columns": _ignored(answer)} if "ignored_columns" in answer else {}
    print_fields(fields | {name: _number(answer[name]) for name in ("mse", "rmse", "mae", "r2", "bias")})


def history(answer: Json) -> None:
    """Print a loss curve as a table, with the objective if there is a penalty."""
    curves = [name for name in ("loss", "objective") if name in answer]
    points = zip(answer["epoch"], *(answer[name] for name in curves), strict=True)
    click.echo(f"{answer['model']}, version {answer['version']}")
    print_table(["epoch", *curves], [[str(epoch), *map(_number, values)] for epoch, *values in points])


def _facts(report: Json) -> dict[str, str]:
    optimum, epochs = report["optimum"], report["epochs"]
    facts = {
        "model": report["model"],
        "version": _version(report),
        "rows": f"{_number(report['n'])}{_dropped(report)}",
        "loss": _number(report["loss"]),
        "least-squares loss": _number(optimum["loss"]),
        "least-squares R²": _number(optimum["r2"]),
        "epochs": f"{'over 2⁵³' if epochs is None else epochs}, {'' if report['converged'] else 'not '}converged",
    }
    facts |= {"ignored columns": _ignored(report)} if "ignored_columns" in report else {}
    return facts | ({"trained at": str(report["trained_at"])} if "trained_at" in report else {})


def _version(report: Json) -> str:
    version, serving = report["version"], report.get("serving")
    if version is None:
        return "none (dry run)"
    if serving is None:
        return str(version)
    return f"{version}, {'serving' if version == serving else f'version {serving} is serving'}"


def _per_column(coefficients: Any, columns: list[str]) -> list[Any]:
    """Return one coefficient per column; the service returns them in the form of a row of x."""
    if isinstance(coefficients, dict):
        return [coefficients[name] for name in columns]
    return coefficients if isinstance(coefficients, list) else [coefficients] * len(columns)


def _columns(answer: Json) -> dict[str, list[Any]]:
    """Return the predictions, bounds and contributions by the names that they have in a table."""
    return {name: _as_list(answer[name]) for name in ("y", "lower", "upper") if name in answer} | _contributions(answer)


def _contributions(answer: Json) -> dict[str, list[Any]]:
    """Return the contributions by column, under the names that they have in a table."""
    found = answer.get("contributions", {})
    if isinstance(found, list):
        rows = found if isinstance(answer["y"], list) else [found]
        columns = [list(column) for column in zip(*map(_as_list, rows), strict=True)]
        found = dict(zip(_default_names(len(columns)), columns, strict=True))
    elif not isinstance(found, dict):
        found = {"x": found}
    return {f"contributions.{name}": _as_list(values) for name, values in found.items()}


def _default_names(count: int) -> list[str]:
    """Return the names that the service gives to columns without names."""
    return ["x"] if count == 1 else [f"x{i}" for i in range(count)]


def _as_list(values: Any) -> list[Any]:
    return values if isinstance(values, list) else [values]


def _dropped(answer: Json) -> str:
    return f", {answer['dropped']} dropped" if answer.get("dropped") else ""


def _ignored(answer: Json) -> str:
    """Return the first names of the columns that were not used."""
    found = answer["ignored_columns"]
    return ", ".join(found["names"]) + (f" … ({found['count']})" if found["count"] > len(found["names"]) else "")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.10g}"
