"""The columns of a model: matching those of a request, and writing coefficients."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import Any

import numpy as np

from service.core.blocks import FloatArray
from service.errors import Fault, InvalidRequest, counted, listed, quoted


class RowShape(StrEnum):
    """The shape of one row of x in JSON; coefficients are returned in the same shape."""

    NUMBER = "number"
    LIST = "list"
    OBJECT = "object"


@dataclass(frozen=True)
class Columns:
    """The names of a model's columns in the order of its w, and the shape of its rows."""

    names: tuple[str, ...]
    row_shape: RowShape

    @classmethod
    def of(cls, names: tuple[str, ...] | None, row_shape: RowShape, count: int) -> "Columns":
        """Return columns with `names`; by default x, or x0, x1 …"""
        if names is None:
            names = ("x",) if count == 1 else tuple(f"x{i}" for i in range(count))
        return cls(names, row_shape)

    @property
    def named(self) -> bool:
        """Return whether the user named the columns."""
        return self.row_shape is RowShape.OBJECT

    @property
    def has_number_rows(self) -> bool:
        """Return whether a row is a single number."""
        return self.row_shape is RowShape.NUMBER

    @property
    def given_names(self) -> tuple[str, ...] | None:
        """Return the user's names; None if the user did not name the columns."""
        return self.names if self.named else None

    def in_row_shape(self, coefficients: Iterable[Any]) -> Any:
        """Return one value per column in the shape of a row."""
        values = list(coefficients)
        match self.row_shape:
            case RowShape.NUMBER:
                return values[0]
            case RowShape.LIST:
                return values
            case RowShape.OBJECT:
                return dict(zip(self.names, values, strict=True))

    def arrange(
        self, values: FloatArray, names: tuple[str, ...] | None, at: str, *, in_table: bool = False
    ) -> FloatArray:
        """Return `values` (n, k), whose columns have `names`, with the columns in the model's order: (n, d).

        Raises InvalidRequest at the pointer `at`, in terms of a table or of JSON.
        """
        order = self.order(names, values.shape[1], at, in_table=in_table)
        return values if order is None else values[:, order]

    def order(self, names: tuple[str, ...] | None, count: int, at: str, *, in_table: bool = False) -> list[int] | None:
        """Return the index of each column among `count` columns with `names`; None if the order is the same.

        Columns match by name, else by position; raises InvalidRequest as `arrange` does.
        """
        if names is not None and set(names) == set(self.names):
            return None if names == self.names else [names.index(name) for name in self.names]
        if names is not None and self.named:
            raise self._mismatch(names, at)
        if count != len(self.names):
            raise self._wrong_count_in_table(names, count, at) if in_table else self._wrong_count(count, at)
        return None

    def _mismatch(self, names: tuple[str, ...], at: str) -> InvalidRequest:
        sent, known = set(names), set(self.names)
        missing = (f"column {quoted(name)} is missing" for name in self.names if name not in sent)
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
