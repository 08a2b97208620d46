"""Answers as people read them."""

from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table

Answer = dict[str, Any]


def models(listed: list[Answer], console: Console) -> None:
    """A table of models."""
    table = _table("model", "serving", "newest", "versions")
    for each in listed:
        versions = each["versions"]
        table.add_row(each["model"], str(each["serving"]), str(max(versions)), str(len(versions)))
    console.print(table)


def fit(answer: Answer, console: Console) -> None:
    """A version: what it was trained on, where descent ended, and its line."""
    console.print(_facts(answer))
    console.print(_line(answer))
    for warning in answer["warnings"]:
        console.print(f"warning: {warning['detail']}", style="yellow", markup=False)


def predictions(answer: Answer, console: Console) -> None:
    """A table of ŷ, with its bounds and each column's part in it where they were asked for."""
    columns = {name: _rows(answer[name]) for name in ("y", "lower", "upper") if name in answer} | _contributions(answer)
    table = _table("row", *columns)
    for row, numbers in enumerate(zip(*columns.values(), strict=True)):
        table.add_row(str(row), *map(_number, numbers))
    mean = f", mean prediction {_number(answer['mean_prediction'])}" if "mean_prediction" in answer else ""
    console.print(f"{answer['model']}, version {answer['version']}{mean}{_dropped(answer)}", markup=False)
    console.print(table)


def evaluation(answer: Answer, console: Console) -> None:
    """How well a version predicts."""
    facts = {"model": answer["model"], "version": str(answer["version"]), "rows": f"{answer['n']}{_dropped(answer)}"}
    console.print(_grid(facts | {name: _number(answer[name]) for name in ("mse", "rmse", "mae", "r2", "bias")}))


def history(answer: Answer, console: Console) -> None:
    """A table of losses, and of the objective where there is a penalty."""
    losses = [name for name in ("loss", "objective") if name in answer]
    table = _table("epoch", *losses)
    for epoch, *values in zip(answer["epoch"], *(answer[name] for name in losses), strict=True):
        table.add_row(str(epoch), *map(_number, values))
    console.print(f"{answer['model']}, version {answer['version']}", markup=False)
    console.print(table)


def _rows(values: Any) -> list[Any]:
    """One value per row, also where x was a row alone."""
    return values if isinstance(values, list) else [values]


def _contributions(answer: Answer) -> dict[str, list[Any]]:
    """The contributions of each column, under the names that they have in a table."""
    found = answer.get("contributions", {})
    if isinstance(found, list):
        by_column = zip(*map(_rows, found if isinstance(answer["y"], list) else [found]), strict=True)
        columns = list(map(list, by_column))
        found = dict(zip(_names(len(columns)), columns, strict=True))
    elif not isinstance(found, dict):
        found = {"x": found}
    return {f"contributions.{name}": _rows(values) for name, values in found.items()}


def _names(count: int) -> list[str]:
    """What the service calls columns that nobody named."""
    return ["x"] if count == 1 else [f"x{i}" for i in range(count)]


def _dropped(answer: Answer) -> str:
    return f", {answer['dropped']} dropped" if answer.get("dropped") else ""


def _facts(answer: Answer) -> RenderableType:
    optimum, epochs = answer["optimum"], answer["epochs"]
    facts = {
        "model": answer["model"],
        "version": _version(answer),
        "rows": _number(answer["n"]) + _dropped(answer),
        "loss": _number(answer["loss"]),
        "loss of the best line": _number(optimum["loss"]),
        "R² of the best line": _number(optimum["r2"]),
        "epochs": f"{'more than 2⁵³' if epochs is None else epochs}, {'' if answer['converged'] else 'not '}converged",
    }
    if "trained_at" in answer:
        facts["trained"] = answer["trained_at"]
    return _grid(facts)


def _version(answer: Answer) -> str:
    if answer["version"] is None:
        return "none: nothing was saved"
    version, serving = answer["version"], answer.get("serving")
    if serving is None:
        return str(version)
    return f"{version}, {'serving' if version == serving else f'version {serving} serves'}"


def _line(answer: Answer) -> RenderableType:
    errors = answer["optimum"]["std_errors"] or {"w": None, "b": None}
    columns = answer["columns"]
    table = _table("column", "w", "standard error of the best line")
    for name, w, error in zip(columns, _each(answer["w"], columns), _each(errors["w"], columns), strict=True):
        table.add_row(name, _number(w), _number(error))
    table.add_row("intercept", _number(answer["b"]), _number(errors["b"]), style="dim")
    return table


def _each(coefficients: Any, columns: list[str]) -> list[Any]:
    """One coefficient per column, from the form in which rows of x are written."""
    if isinstance(coefficients, dict):
        return [coefficients[name] for name in columns]
    return coefficients if isinstance(coefficients, list) else [coefficients] * len(columns)


def _grid(facts: dict[str, str]) -> Table:
    grid = Table.grid(padding=(0, 2))
    for name, value in facts.items():
        grid.add_row(name, value)
    return grid


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.10g}"


def _table(first: str, *others: str) -> Table:
    table = Table(first, box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    table.columns[0].overflow = "fold"
    for name in others:
        table.add_column(name, justify="right", overflow="fold")
    return table
