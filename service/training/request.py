"""The request of a training: rows, options and conditions."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from service.artifact.columns import Columns
from service.core.blocks import Batch
from service.training.idempotency import Token


@dataclass(frozen=True)
class Conditions:
    """Preconditions on the newest version: its tag is one of `match`; with `none_match` there is none."""

    match: frozenset[str] | None = None
    none_match: bool = False


@dataclass(frozen=True)
class Request:
    """Rows to train on and how.

    batches: the rows, which can be read once. explicit_options: the options sent; others are defaults or inherited.
    append: the version to continue, or True for the newest. token: returns the identity of the request, once all rows
    are read. in_table: whether error messages speak of a table rather than of JSON. row_numbers: returns the columns
    that count the rows, once all rows are read.
    """

    batches: Iterable[Batch]
    columns: Columns
    explicit_options: dict[str, Any] = field(default_factory=dict)
    append: bool | int = False
    decay: float = 1.0
    token: Callable[[], Token] | None = None
    conditions: Conditions = Conditions()
    in_table: bool = False
    row_numbers: Callable[[], list[str]] = list
