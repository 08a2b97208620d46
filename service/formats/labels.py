"""Labels of groups: texts or whole numbers, numbered in order of appearance."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from service.errors import InvalidRequest
from service.formats.arrays import TYPE_NAMES, Pointer

MISSING = -1
"""The number of a missing label."""
LABEL = "a label is a text or a whole number"
TEXT_TYPES = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_binary,
    pa.types.is_null,
)
"""Types of columns of texts, which are bytes in CSV."""

Numbers = npt.NDArray[np.intp]


class Labels:
    """Numbers labels from 0 in order of appearance; `numbers` are those of all rows so far.

    Raises InvalidRequest for a value that is not a label, and for more than `max_groups` of them.
    """

    def __init__(self, max_groups: int) -> None:
        self._max_groups = max_groups
        self._numbers: dict[str | None, int] = {None: MISSING, "": MISSING}
        self._batches: list[Numbers] = []
        self._rows = 0

    @property
    def names(self) -> list[str]:
        """The labels by number."""
        return [label for label in self._numbers if label]

    @property
    def numbers(self) -> Numbers:
        """The number of each row's label."""
        return np.concatenate([np.empty(0, np.intp), *self._batches])

    def add(self, values: Any) -> None:
        """Number the labels of the next rows, in a list or a pyarrow array. None and an empty text are missing."""
        first = self._rows
        if isinstance(values, list):
            numbers = self._number(values, lambda index: f"/group/{first + index}")
        else:
            numbers = self._number_column(values)
        self._batches.append(numbers)
        self._rows += len(numbers)

    def _number_column(self, column: Any) -> Numbers:
        """Return the numbers of a column, whose distinct values are converted once."""
        if isinstance(column, pa.ChunkedArray):
            column = column.combine_chunks()
        encoded = _decoded(column).dictionary_encode()
        distinct = self._number(encoded.dictionary.to_pylist(), lambda _: "/group")
        indices = encoded.indices.fill_null(len(distinct)).to_numpy(zero_copy_only=False)
        numbers: Numbers = np.append(distinct, MISSING)[indices]
        return numbers

    def _number(self, values: list[Any], pointer: Pointer) -> Numbers:
        texts = values if set(map(type, values)) == {str} else list(_texts(values, pointer))
        for text in dict.fromkeys(texts):
            self._numbers.setdefault(text, len(self._numbers) - 2)
        if len(self._numbers) - 2 > self._max_groups:
            detail = f"has more than {self._max_groups} labels (DESCENT_MAX_GROUPS); send fewer groups"
            raise InvalidRequest.at("/group", detail)
        return np.fromiter(map(self._numbers.__getitem__, texts), np.intp, len(texts))


def _texts(values: list[Any], pointer: Pointer) -> Iterator[str | None]:
    for index, value in enumerate(values):
        if type(value) is float and value.is_integer():
            yield str(int(value))
        elif type(value) in (str, int):
            yield str(value)
        elif value is None or (type(value) is float and math.isnan(value)):
            yield None
        else:
            found = f"{value:g}" if type(value) is float else TYPE_NAMES.get(type(value), "no text")
            raise InvalidRequest.at(pointer(index), f"is {found}; {LABEL}")


def _decoded(column: Any) -> Any:
    """Return a column of labels as numbers or texts, without dictionary encoding."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return column
    if not any(is_text(kind) for is_text in TEXT_TYPES):
        raise InvalidRequest.at("/group", f"has the type {kind}; {LABEL}, so convert the column to text")
    try:
        return column.cast(pa.string())
    except pa.ArrowInvalid:
        raise InvalidRequest.at("/group", "has text that is not UTF-8; send UTF-8") from None
