"""NumPy arrays."""

import io
from typing import Any

import numpy as np

from descent.data.base import BinaryBody, Data, without_none
from descent.errors import InvalidArgument
from descent.options import Json
from descent.request_body import NPY

REAL_KINDS = "biufO"
"""NumPy's kinds of booleans, integers, floats and Python objects; the latter are converted to floats."""


class NumpyData(Data):
    """An array of shape (rows, columns) or (rows,). Predictions are float64 arrays of shape (rows,)."""

    media_type: str | None = NPY

    def __init__(self, x: Any, y: Any, weight: Any, group: Any) -> None:
        x = to_floats(x, "x")
        if x.ndim > 2:
            raise InvalidArgument(f"x has {x.ndim} dimensions, but at most 2 are allowed: rows and columns.")
        self._x = x.reshape(-1, 1) if x.ndim == 1 else x
        self._y, self._weight, self._group = y, weight, group

    def to_binary(self) -> BinaryBody | None:
        if self._weight is not None or self._group is not None or isinstance(self._y, str):
            return None  # .npy has no column names to say which column holds weights or labels
        last = [] if self._y is None else [to_floats(self._y, "y")]
        if last and last[0].shape != self._x.shape[:1]:
            return None  # in JSON, the service reports which length is wrong
        rows = np.column_stack([self._x, *last]) if last else np.ascontiguousarray(self._x)
        written = io.BytesIO()
        np.save(written, rows, allow_pickle=False)
        return BinaryBody(written.getvalue(), {})

    def to_json(self) -> Json:
        return without_none(x=self._x.tolist(), y=self._y, sample_weight=self._weight, group=self._group)

    def from_binary(self, content: bytes) -> Any:
        return np.load(io.BytesIO(content), allow_pickle=False)

    def from_json(self, values: Any) -> Any:
        return np.asarray(values, dtype=np.float64)


def to_floats(values: Any, argument: str) -> Any:
    """Return `values` as float64, masked ones as NaN. Raises InvalidArgument, which names `argument`."""
    try:
        array = np.ma.asarray(values) if np.ma.isMaskedArray(values) else np.asarray(values)
        if array.dtype.kind not in REAL_KINDS:
            raise InvalidArgument(f"{argument} is an array of {array.dtype}. Use one of real numbers.")
        floats = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidArgument(f"{argument} is not an array of numbers: {error}.") from None
    return np.ma.filled(floats, np.nan)
