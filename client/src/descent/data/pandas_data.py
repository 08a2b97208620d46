"""pandas frames and series."""

from functools import reduce
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from descent.data.arrow_data import ArrowData, check_unique
from descent.errors import InvalidArgument, UnexpectedResponse


class PandasData(ArrowData):
    """A frame whose columns are features, or a series as the only one, sent as Arrow.

    Predictions are series with the index of x. If rows were dropped, the index is that of x.dropna().
    """

    def __init__(self, x: Any, y: Any, weight: Any) -> None:
        frame = x if isinstance(x, pd.DataFrame) else x.to_frame("x" if x.name is None else x.name)
        self._index = frame.index
        super().__init__(_to_arrow(frame), y, weight)

    def from_json(self, values: Any) -> Any:
        index = self._index if len(values) == len(self._index) else self._index[self._complete_rows()]
        if len(values) != len(index):
            raise UnexpectedResponse(f"The service returned {len(values)} predictions for {len(index)} rows.")
        return pd.Series(values, index=index, name="y", dtype="float64")

    def _complete_rows(self) -> Any:
        """Return a mask of the rows without missing values."""
        missing = [pc.is_null(column, nan_is_null=True) for column in self._table.columns]
        return ~reduce(pc.or_, missing).to_numpy()


def _to_arrow(frame: Any) -> Any:
    frame = frame.rename(columns=str)
    check_unique(list(frame.columns))
    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise InvalidArgument(f"x has a column that is not numeric: {error}.") from None
