"""JSON encoding of Python, NumPy, pandas and Arrow values."""

import json
import math
from collections.abc import Mapping
from typing import Any

from descent.errors import InvalidArgument

ROW_MEMBERS = ("x", "y", "sample_weight")
"""Members in which NaN is a missing value and is sent as null. In other members NaN is an error."""

CONVERSION_METHODS = ("tolist", "to_pylist", "as_py")
"""Methods with which the arrays and scalars of NumPy, pandas and Arrow return Python values."""


def encode(document: Mapping[str, Any]) -> bytes:
    """Return `document` as JSON, with arrays as lists and NaN in rows as null.

    Raises InvalidArgument for values that JSON does not have.
    """
    try:
        return json.dumps(document, default=_to_python, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        return _encode_checked(document, "").encode()  # slower: names the value at fault


def encode_option(name: str, value: Any) -> str:
    """Return the value of the option `name` as JSON. Raises InvalidArgument."""
    return _encode_checked(value, f"/{name}")


def _encode_checked(value: Any, pointer: str) -> str:
    try:
        return json.dumps(_to_json(value, pointer))
    except (ValueError, RecursionError) as error:
        raise InvalidArgument(f"The arguments cannot be encoded as JSON: {error}.") from None


def _to_json(value: Any, pointer: str) -> Any:
    """Return `value`, found at the JSON Pointer `pointer`, as types that JSON has."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return _finite_or_null(value, pointer)
    if isinstance(value, Mapping):
        return {_checked_key(key, pointer): _to_json(each, f"{pointer}/{key}") for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_to_json(each, f"{pointer}/{i}") for i, each in enumerate(value)]
    try:
        converted = _to_python(value)
    except TypeError as error:
        raise InvalidArgument(f"{pointer} has {error}. Use numbers, or lists or arrays of numbers.") from None
    return _to_json(converted, pointer)


def _finite_or_null(value: float, pointer: str) -> float | None:
    if math.isfinite(value):
        return value
    if math.isnan(value) and pointer.split("/")[1] in ROW_MEMBERS:
        return None
    raise InvalidArgument(f"{pointer} is {value}, which JSON does not have. Use a finite number.")


def _checked_key(key: Any, pointer: str) -> str | float | None:
    if key is None or isinstance(key, str | int | float):  # json.dumps writes these as strings
        return key
    raise InvalidArgument(f"{pointer} has the key {key!r}. Use strings as keys.")


def _to_python(value: Any) -> Any:
    for method in CONVERSION_METHODS:
        if hasattr(value, method):
            converted = getattr(value, method)()
            return float(value) if type(converted) is type(value) else converted  # longdouble.tolist() is a longdouble
    raise TypeError(f"the type {type(value).__name__}, which JSON does not have")
