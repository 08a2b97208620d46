"""Arrow tables and record batches."""

from collections import Counter
from typing import Any

import pyarrow as pa

from descent.data.base import BinaryBody, Data, without_none
from descent.errors import InvalidArgument
from descent.options import Json
from descent.request_body import ARROW_STREAM

BATCH_BYTES = 16 << 20
"""Size of a record batch. The service reads one batch at a time and refuses much larger ones."""


class ArrowData(Data):
    """A table whose columns are features. Predictions are Arrow arrays of float64.

    y, the weights and the labels are columns of the same length, or names of columns of the table.
    """

    media_type: str | None = ARROW_STREAM

    def __init__(self, x: Any, y: Any, weight: Any, group: Any) -> None:
        self._table = pa.table(x)
        check_unique(self._table.column_names)
        self._column_query: dict[str, str] = {}
        self._assign("y", y)
        self._assign("weight", weight)
        self._assign("group", group)

    def to_binary(self) -> BinaryBody | None:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self._table.schema) as stream:
            stream.write_table(self._table, max_chunksize=self._batch_rows())
        return BinaryBody(sink.getvalue().to_pybytes(), self._column_query)

    def to_json(self) -> Json:
        columns = {name: self._table[name].to_pylist() for name in self._table.column_names}
        others = {role: columns.pop(name) for role, name in self._column_query.items()}
        return without_none(x=columns, y=others.get("y"), sample_weight=others.get("weight"), group=others.get("group"))

    def from_binary(self, content: bytes) -> Any:
        return self.from_json(pa.ipc.open_stream(content).read_all()["y"].combine_chunks())

    def from_json(self, values: Any) -> Any:
        return pa.array(values, type=pa.float64()) if isinstance(values, list) else values

    def _batch_rows(self) -> int:
        """Return how many rows make a record batch of BATCH_BYTES."""
        rows: int = self._table.num_rows * BATCH_BYTES // max(1, self._table.nbytes)
        return max(1, rows)

    def _assign(self, role: str, column: Any) -> None:
        """Record the column of the table with the role "y", "weight" or "group"; append values as a new column."""
        if column is None:
            return
        name = column
        if not isinstance(column, str):
            name = role
            while name in self._table.column_names:
                name = f"_{name}"
            self._table = self._table.append_column(name, self._to_column(column, role))
        elif name not in self._table.column_names:
            raise InvalidArgument(f"x has no column {name!r}. Its columns are {', '.join(self._table.column_names)}.")
        self._column_query[role] = name

    def _to_column(self, values: Any, role: str) -> Any:
        """Return `values` as a column with one value for each row of x."""
        argument = "sample_weight" if role == "weight" else role
        try:
            column = pa.array(values)
        except (pa.ArrowException, TypeError, ValueError) as error:
            kind = "labels" if role == "group" else "numbers"
            raise InvalidArgument(f"{argument} is not a list of {kind}: {error}.") from None
        if len(column) != self._table.num_rows:
            lengths = f"{len(column)} values, but x has {self._table.num_rows} rows"
            raise InvalidArgument(f"{argument} has {lengths}. Give one value for each row.")
        return column


def check_unique(names: list[str]) -> None:
    """Raise InvalidArgument if a name occurs twice."""
    if len(set(names)) < len(names):
        [(repeated, _)] = Counter(names).most_common(1)
        raise InvalidArgument(f"x has more than one column {repeated!r}. Rename one of them.")
