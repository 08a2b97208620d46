"""The columns of a model, how those of a request match them, and how coefficients are written."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import Any

import numpy as np

from service.core.blocks import FloatArray
from service.errors import Fault, InvalidRequest, counted, listed, quoted


class RowShape(StrEnum):
    """How one row of x was written; coefficients are answered in the same form."""

    NUMBER = "number"
    LIST = "list"
    OBJECT = "object"


@dataclass(frozen=True)
class Columns:
    """The names of a model's columns in the order of its w, and the form of its rows."""

    names: tuple[str, ...]
    form: RowShape

    @classmethod
    def of(cls, names: tuple[str, ...] | None, form: RowShape, count: int) -> "Columns":
        """The columns of data that came with `names`; those that nobody named are x, or x0, x1 …"""
        if names is None:
            names = ("x",) if count == 1 else tuple(f"x{i}" for i in range(count))
        return cls(names, form)

    @property
    def named(self) -> bool:
        """Whether the names are the user's own."""
        return self.form is RowShape.OBJECT

    @property
    def has_number_rows(self) -> bool:
        """Whether a row was a number."""
        return self.form is RowShape.NUMBER

    @property
    def given_names(self) -> tuple[str, ...] | None:
        """The user's own names; None where nobody named the columns."""
        return self.names if self.named else None

    def in_row_shape(self, coefficients: Iterable[Any]) -> Any:
        """One value per column in the form of a row."""
        values = list(coefficients)
        match self.form:
            case RowShape.NUMBER:
                return values[0]
            case RowShape.LIST:
                return values
            case RowShape.OBJECT:
                return dict(zip(self.names, values, strict=True))

    def arrange(
        self, values: FloatArray, names: tuple[str, ...] | None, at: str, *, in_table: bool = False
    ) -> FloatArray:
        """`values` (n, k), whose columns are called `names`, in this order: (n, d); raises InvalidRequest with pointers
        below `at`, in words for a table or for JSON."""
        order = self.order(names, values.shape[1], at, in_table=in_table)
        return values if order is None else values[:, order]

    def order(self, names: tuple[str, ...] | None, count: int, at: str, *, in_table: bool = False) -> list[int] | None:
        """Where each column stands among `count` that are called `names`; None if each is in its place. They match by
        name, else by position; raises InvalidRequest as `arrange` does."""
        if names is not None and set(names) == set(self.names):
            return None if names == self.names else [names.index(name) for name in self.names]
        if names is not None and self.named:
            raise self._mismatch(names, at)
        if count != len(self.names):
            raise self._wrong_count_in_table(names, count, at) if in_table else self._wrong_count(count, at)
        return None

    def _mismatch(self, names: tuple[str, ...], at: str) -> InvalidRequest:
        given, known = set(names), set(self.names)
        missing = (f"column {quoted(name)} is missing" for name in self.names if name not in given)
        unknown = (f"column {quoted(name)} is not one of the model's" for name in names if name not in known)
        faults = (Fault(at, detail) for detail in chain(missing, unknown))
        return InvalidRequest.of(faults, f"The model's columns are {listed(self.names)}.")

    def _wrong_count(self, count: int, at: str) -> InvalidRequest:
        d = len(self.names)
        row = np.arange(1, d + 1).tolist() if d <= 4 else [1, 2, "…"]
        hint = "rows, as in " + str([row]).replace("'", "") if at == "/x" else "one number for each"
        detail = f"has {count} per row, but the model has {counted(d, 'column')}; give {hint}"
        return InvalidRequest.at(at, detail)

    def _wrong_count_in_table(self, names: tuple[str, ...] | None, count: int, at: str) -> InvalidRequest:
        d = len(self.names)
        named = f" ({listed(names)})" if names else ""
        hint = "; choose them with x=" if names and count > d and at == "/x" else ""
        return InvalidRequest.at(at, f"has {counted(count, 'column')}{named}, but the model takes {d}{hint}")
