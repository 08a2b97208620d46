"""Rows of x, y and weights in the types of NumPy, pandas, Arrow and JSON."""

import sys
from decimal import Decimal
from numbers import Real
from typing import Any

from descent.data.base import BinaryBody, Data
from descent.data.json_data import JsonData
from descent.errors import InvalidArgument

__all__ = ["BinaryBody", "Data", "to_data", "to_row"]


def to_data(x: Any, y: Any = None, weight: Any = None, group: Any = None) -> Data:
    """Return `x` with its y, weights and labels of groups, ready to be sent. Raises InvalidArgument."""
    y, weight, group = _one_column(y, "y"), _one_column(weight, "sample_weight"), _one_column(group, "group")
    if _is_instance(x, "numpy", "ndarray"):
        from descent.data.numpy_data import NumpyData

        return NumpyData(x, y, weight, group)
    if _is_instance(x, "pandas", "DataFrame", "Series"):
        try:
            from descent.data.pandas_data import PandasData
        except ModuleNotFoundError as error:
            raise InvalidArgument(f"x is a pandas object, which is sent as Arrow. Install pyarrow: {error}.") from None

        return PandasData(x, y, weight, group)
    if _is_instance(x, "pyarrow", "Table", "RecordBatch"):
        from descent.data.arrow_data import ArrowData

        return ArrowData(x, y, weight, group)
    return JsonData(x, y, weight, group)


def to_row(x: Any) -> Data | None:
    """Return a series with texts as labels, such as frame.iloc[0], as one row; it may also be a column."""
    if not _is_instance(x, "pandas", "Series") or not all(isinstance(label, str) for label in x.index):
        return None
    values = map(_to_number, x.astype(object).where(x.notna(), None))
    return JsonData(dict(zip(x.index, values, strict=True))) if x.index.is_unique else None


def _to_number(value: Any) -> float | str | None:
    """Return a value that is neither missing nor a number as text. The service says what to do with it."""
    is_number = isinstance(value, Real | Decimal) or type(value).__name__ in ("bool", "bool_")  # NumPy's are not Real
    return float(value) if is_number else value and str(value)


def _one_column(values: Any, argument: str) -> Any:
    """Return the column of an array, frame or table that has one, and other values as they are."""
    shape: tuple[int, ...] = getattr(values, "shape", ())
    if len(shape) != 2:
        return values
    if shape[1] != 1:
        raise InvalidArgument(f"{argument} has {shape[1]} columns. Give one column, or a list of values.")
    if _is_instance(values, "pyarrow", "Table", "RecordBatch"):
        return values.column(0)
    return (values.iloc if hasattr(values, "iloc") else values)[:, 0]


def _is_instance(value: Any, package: str, *classes: str) -> bool:
    """Return whether `value` is an instance of a class of `package`. Does not import the package."""
    module = sys.modules.get(package)
    return module is not None and isinstance(value, tuple(getattr(module, name) for name in classes))
