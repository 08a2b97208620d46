"""Answers as people read them."""

import time
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
    """A table of ŷ, with the bounds where there are any."""
    asked = [name for name in ("y", "lower", "upper") if name in answer]
    table = _table("row", *asked)
    values = [answer[name] if isinstance(answer[name], list) else [answer[name]] for name in asked]
    for row, numbers in enumerate(zip(*values, strict=True)):
        table.add_row(str(row), *map(_number, numbers))
    console.print(f"{answer['model']}, version {answer['version']}", markup=False)
    console.print(table)


def _facts(answer: Answer) -> RenderableType:
    optimum, epochs = answer["optimum"], answer["epochs"]
    facts = {
        "model": answer["model"],
        "version": _version(answer),
        "rows": _number(answer["n"]),
        "loss": _number(answer["loss"]),
        "loss of the best line": _number(optimum["loss"]),
        "R² of the best line": _number(optimum["r2"]),
        "epochs": f"{'more than 2⁵³' if epochs is None else epochs}, {'' if answer['converged'] else 'not '}converged",
    }
    if "trained_at" in answer:
        facts["trained"] = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(answer["trained_at"]))
    grid = Table.grid(padding=(0, 2))
    for name, value in facts.items():
        grid.add_row(name, value)
    return grid


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


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.10g}"


def _table(first: str, *others: str) -> Table:
    table = Table(first, box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    table.columns[0].overflow = "fold"
    for name in others:
        table.add_column(name, justify="right", overflow="fold")
    return table
