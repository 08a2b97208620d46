"""Rows of x, y and weights in the types of NumPy, pandas, Arrow and JSON."""

import sys
from typing import Any

from descent.data.base import BinaryBody, Data
from descent.data.json_data import JsonData
from descent.errors import InvalidArgument

__all__ = ["BinaryBody", "Data", "to_data"]


def to_data(x: Any, y: Any = None, weight: Any = None) -> Data:
    """Return `x` with its y and weights, ready to be sent. Raises InvalidArgument."""
    if _is_instance(x, "numpy", "ndarray"):
        from descent.data.numpy_data import NumpyData

        return NumpyData(x, y, weight)
    if _is_instance(x, "pandas", "DataFrame", "Series"):
        try:
            from descent.data.pandas_data import PandasData
        except ModuleNotFoundError as error:
            raise InvalidArgument(f"x is a pandas object, which is sent as Arrow. Install pyarrow: {error}.") from None

        return PandasData(x, y, weight)
    if _is_instance(x, "pyarrow", "Table", "RecordBatch"):
        from descent.data.arrow_data import ArrowData

        return ArrowData(x, y, weight)
    return JsonData(x, y, weight)


def _is_instance(value: Any, package: str, *classes: str) -> bool:
    """Return whether `value` is an instance of a class of `package`. Does not import the package."""
    module = sys.modules.get(package)
    return module is not None and isinstance(value, tuple(getattr(module, name) for name in classes))
