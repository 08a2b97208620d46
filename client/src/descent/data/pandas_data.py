"""pandas frames and series."""

from collections.abc import Collection
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from descent.data.arrow_data import ArrowData, check_unique
from descent.data.base import Rows
from descent.errors import UnexpectedResponse


class PandasData(ArrowData):
    """A frame whose columns are features, or a series as the only one, sent as Arrow.

    Predictions are series with the index of x, without the rows that were dropped.
    """

    def __init__(self, x: Any, y: Any, weight: Any, group: Any) -> None:
        frame = x if isinstance(x, pd.DataFrame) else x.to_frame("x" if x.name is None else x.name)
        self._index = frame.index
        super().__init__(_to_arrow(frame), y, weight, group)

    def complete_rows(self, unused: Collection[str]) -> Rows:
        used = [self._table[name] for name in self._table.column_names if name not in unused]
        missing = [pc.is_null(column, nan_is_null=True) for column in used]
        return np.flatnonzero(~reduce(pc.or_, missing).to_numpy()).tolist() if missing else []

    def from_json(self, values: Any) -> Any:
        return self.from_rows(values, None)

    def from_rows(self, values: Any, rows: Rows) -> Any:
        index = self._index if rows is None else self._index[rows]
        if len(values) != len(index):
            raise UnexpectedResponse(f"The service returned {len(values)} predictions for {len(index)} rows.")
        return pd.Series(values, index=index, name="y", dtype="float64")


def _to_arrow(frame: Any) -> Any:
    frame = frame.rename(columns=str)
    check_unique(list(frame.columns))
    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowException, TypeError, ValueError):
        return pa.table({name: _to_column(frame[name]) for name in frame})


def _to_column(series: Any) -> Any:
    """Return a column, one of several types as text: the service reads it only if it is selected."""
    try:
        return pa.array(series, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError):
        return pa.array(series.map(str, na_action="ignore"), type=pa.string(), from_pandas=True)
