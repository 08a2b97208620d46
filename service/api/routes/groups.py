"""One request, many models: rows are told apart by a group, and each group has a result of its own."""

import logging
from collections.abc import Callable
from typing import Any

import numpy as np

from service.api.http import problems
from service.errors import DescentError
from service.formats import dataset
from service.formats.arrays import Table

RowNumbers = np.typing.NDArray[np.intp]

log = logging.getLogger(__name__)


def each_group(body: dict[str, Any], work: Callable[[str, Table, RowNumbers], dict[str, Any]]) -> list[dict[str, Any]]:
    """What `work` answers for the model, the x and the rows of each group, in order of appearance. A group that fails
    has a problem instead, and the others go on."""
    table, labels = body["x"], body["group"]
    n = len(table.values)
    dataset.check_length("/group", labels, "label", n)
    for name in ("y", "sample_weight"):
        if body.get(name) is not None:
            dataset.check_length(f"/{name}", body[name], "number", n)
    return [_result(label, body["prefix"] + label, table, own, work) for label, own in _rows_of(labels).items()]


def _rows_of(labels: list[str]) -> dict[str, RowNumbers]:
    """The rows of each label, in order of appearance."""
    numbers = {label: number for number, label in enumerate(dict.fromkeys(labels))}
    codes = np.fromiter(map(numbers.__getitem__, labels), dtype=np.intp, count=len(labels))
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes))
    return dict(zip(numbers, np.split(order, ends[:-1]), strict=True))


def _result(
    label: str, model: str, table: Table, numbers: RowNumbers, work: Callable[[str, Table, RowNumbers], dict[str, Any]]
) -> dict[str, Any]:
    head = {"group": label, "model": model}
    try:
        return head | work(model, table._replace(values=table.values[numbers], row_numbers=numbers), numbers)
    except DescentError as error:
        return head | {"problem": problems.of_error(error)}
    except Exception:
        log.exception("unexpected error in group %r", label)
        return head | {"problem": problems.of_bug()}
