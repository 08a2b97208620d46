"""Rows in the kinds that Python keeps them in: to the wire, and ŷ back in the same kind."""

import io
import sys
from collections import Counter
from functools import reduce
from typing import Any, NamedTuple, Protocol

from descent.errors import Unintelligible, Unsendable
from descent.exchange import Answer

NPY = "application/x-npy"
ARROW = "application/vnd.apache.arrow.stream"
BATCH_BYTES = 16 << 20
"""What a record batch holds; the service takes some more at once, and batch after batch."""


class Binary(NamedTuple):
    """A body in a binary media type, and the query that tells its columns apart."""

    content: bytes
    columns: dict[str, str]


class Data(Protocol):
    """Rows of x, and their y and weights where there are any."""

    media_type: str | None

    def binary(self) -> Binary | None:
        """The body in `media_type`, if it has such a form."""

    def document(self) -> Answer:
        """The members of a JSON body."""

    def read(self, content: bytes) -> Any:
        """The ŷ of an answer in `media_type`, in the kind of x."""

    def like(self, values: Any) -> Any:
        """The numbers of an answer in JSON, in the kind of x."""


def data_of(x: Any, y: Any = None, weight: Any = None) -> Data:
    """`x` with its y and weights, by its kind."""
    if _is(x, "numpy", "ndarray"):
        return Array(x, y, weight)
    if _is(x, "pandas", "DataFrame", "Series"):
        return Frame(x, y, weight)
    if _is(x, "pyarrow", "Table", "RecordBatch"):
        return Table(x, y, weight)
    return Plain(x, y, weight)


class Plain:
    """Numbers, lists and objects, as JSON has them."""

    media_type: str | None = None

    def __init__(self, x: Any, y: Any, weight: Any) -> None:
        self._members = _given(x=x, y=y, sample_weight=weight)

    def binary(self) -> Binary | None:
        return None

    def document(self) -> Answer:
        return self._members

    def read(self, content: bytes) -> Any:
        raise NotImplementedError

    def like(self, values: Any) -> Any:
        return values


class Array:
    """numpy: rows of x, one row after the other, or one column of them."""

    media_type: str | None = NPY

    def __init__(self, x: Any, y: Any, weight: Any) -> None:
        x = _floats(x, "x")
        if x.ndim > 2:
            raise Unsendable(f"x has {x.ndim} dimensions; give rows of numbers, or one number for each row.")
        self._x = x.reshape(-1, 1) if x.ndim == 1 else x
        self._y, self._weight = y, weight

    def binary(self) -> Binary | None:
        import numpy as np

        if self._weight is not None or isinstance(self._y, str):
            return None  # an array has no names to say which column holds weights
        last = [] if self._y is None else [_floats(self._y, "y")]
        if last and last[0].shape != self._x.shape[:1]:
            return None  # the service says in JSON what does not fit
        rows = np.column_stack([self._x, *last]) if last else np.ascontiguousarray(self._x)
        written = io.BytesIO()
        np.save(written, rows, allow_pickle=False)
        return Binary(written.getvalue(), {})

    def document(self) -> Answer:
        return _given(x=self._x.tolist(), y=self._y, sample_weight=self._weight)

    def read(self, content: bytes) -> Any:
        import numpy as np

        return np.load(io.BytesIO(content), allow_pickle=False)

    def like(self, values: Any) -> Any:
        import numpy as np

        return np.asarray(values, dtype=np.float64)


class Table:
    """Arrow: columns with names. y and weights are columns of the same length, or names of columns of x."""

    media_type: str | None = ARROW

    def __init__(self, x: Any, y: Any, weight: Any) -> None:
        import pyarrow as pa

        self._arrow = pa
        self._table = pa.table(x)
        _check_names(self._table.column_names)
        self._others: dict[str, str] = {}
        self._add("y", y)
        self._add("weight", weight)

    def binary(self) -> Binary | None:
        sink = self._arrow.BufferOutputStream()
        with self._arrow.ipc.new_stream(sink, self._table.schema) as stream:
            stream.write_table(self._table, max_chunksize=self._rows_of_a_batch())
        return Binary(sink.getvalue().to_pybytes(), self._others)

    def _rows_of_a_batch(self) -> int:
        """How many rows the service takes at once, and receives one after the other."""
        rows: int = self._table.num_rows * BATCH_BYTES // max(1, self._table.nbytes)
        return max(1, rows)

    def document(self) -> Answer:
        columns = {name: self._table[name].to_pylist() for name in self._table.column_names}
        others = {role: columns.pop(name) for role, name in self._others.items()}
        return _given(x=columns, y=others.get("y"), sample_weight=others.get("weight"))

    def read(self, content: bytes) -> Any:
        column = self._arrow.ipc.open_stream(content).read_all()["y"].combine_chunks()
        return self.like(column)

    def like(self, values: Any) -> Any:
        return self._arrow.array(values, type=self._arrow.float64()) if isinstance(values, list) else values

    def _add(self, role: str, column: Any) -> None:
        """Remember which column is `role`, which may have to be put beside those of x, under a name of its own."""
        if column is None:
            return
        name = column
        if not isinstance(column, str):
            name = role
            while name in self._table.column_names:
                name = f"_{name}"
            self._table = self._table.append_column(name, self._beside(column, role))
        elif name not in self._table.column_names:
            raise Unsendable(f"{name!r} is no column of x; its columns are {', '.join(self._table.column_names)}.")
        self._others[role] = name

    def _beside(self, given: Any, role: str) -> Any:
        """`given` as a column that has a value for each row of x."""
        argument = "sample_weight" if role == "weight" else role
        try:
            column = self._arrow.array(given)
        except (self._arrow.ArrowException, TypeError, ValueError) as error:
            raise Unsendable(f"{argument} is no list of numbers: {error}") from None
        if len(column) != self._table.num_rows:
            detail = f"{argument} has {len(column)} values, but x has {self._table.num_rows} rows"
            raise Unsendable(f"{detail}; give one for each.")
        return column


class Frame(Table):
    """pandas: a frame, or a series as its one column. ŷ is a series with x's index, without the rows that the service
    dropped, as `dropna` leaves them out."""

    def __init__(self, x: Any, y: Any, weight: Any) -> None:
        import pandas as pd

        frame = x if isinstance(x, pd.DataFrame) else x.to_frame("x" if x.name is None else x.name)
        self._pandas, self._index = pd, frame.index
        super().__init__(_arrow_of(frame), y, weight)

    def like(self, values: Any) -> Any:
        index = self._index if len(values) == len(self._index) else self._index[self._complete()]
        if len(values) != len(index):
            raise Unintelligible(f"The service answers {len(values)} values for {len(index)} rows.")
        return self._pandas.Series(values, index=index, name="y", dtype="float64")

    def _complete(self) -> Any:
        """Which rows miss no value, as a mask."""
        import pyarrow.compute as pc

        missing = [pc.is_null(column, nan_is_null=True) for column in self._table.columns]
        return ~reduce(pc.or_, missing).to_numpy()


def _arrow_of(frame: Any) -> Any:
    import pyarrow as pa

    frame = frame.rename(columns=str)
    _check_names(list(frame.columns))
    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise Unsendable(f"x cannot be made into columns of numbers: {error}") from None


def _check_names(names: list[str]) -> None:
    if len(set(names)) < len(names):
        [(twice, _)] = Counter(names).most_common(1)
        raise Unsendable(f"x has more than one column {twice!r}; give each its own name.")


def _floats(values: Any, argument: str) -> Any:
    import numpy as np

    try:
        given = np.ma.asarray(values) if np.ma.isMaskedArray(values) else np.asarray(values)
        if given.dtype.kind not in "iufO":
            raise Unsendable(f"{argument} is an array of {given.dtype}; give one of real numbers.")
        floats = given.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise Unsendable(f"{argument} is no array of numbers: {error}") from None
    return np.ma.filled(floats, np.nan)


def _given(**members: Any) -> Answer:
    return {name: value for name, value in members.items() if value is not None}


def _is(value: Any, package: str, *names: str) -> bool:
    """Whether `value` is of a class of `package`, which is not imported for the question: if it was not, it is not."""
    module = sys.modules.get(package)
    return module is not None and isinstance(value, tuple(getattr(module, name) for name in names))
