"""Requests for several models: each row has a group label, and each group has a result."""

from collections.abc import Callable
from typing import Any

import numpy as np

from service.api.http import problems
from service.formats import dataset
from service.formats.arrays import Table

RowNumbers = np.typing.NDArray[np.intp]
GroupView = Callable[[str, Table, RowNumbers], dict[str, Any]]
"""Returns the result for a model, its x, and the numbers of its rows in the request."""


def group_results(body: dict[str, Any], view: GroupView) -> list[dict[str, Any]]:
    """Return the result of `view` for each group, in order of appearance; a group that fails has a problem instead."""
    table, labels = body["x"], body["group"]
    n = len(table.values)
    dataset.check_length("/group", labels, "label", n)
    for name in ("y", "sample_weight"):
        if body.get(name) is not None:
            dataset.check_length(f"/{name}", body[name], "number", n)
    return [_result(label, body["prefix"] + label, table, rows, view) for label, rows in _rows_by_label(labels).items()]


def _rows_by_label(labels: list[str]) -> dict[str, RowNumbers]:
    """Return the row numbers of each label, in order of appearance."""
    codes_by_label = {label: code for code, label in enumerate(dict.fromkeys(labels))}
    codes = np.fromiter(map(codes_by_label.__getitem__, labels), dtype=np.intp, count=len(labels))
    order = np.argsort(codes, kind="stable")
    return dict(zip(codes_by_label, np.split(order, np.cumsum(np.bincount(codes))[:-1]), strict=True))


def _result(label: str, model: str, table: Table, rows: RowNumbers, view: GroupView) -> dict[str, Any]:
    group = {"group": label, "model": model}
    try:
        return group | view(model, table._replace(values=table.values[rows], row_numbers=rows), rows)
    except Exception as error:  # noqa: BLE001 - logged with its problem
        error.add_note(f"in group {label!r}")
        return group | {"problem": problems.of_error(error)}
