"""Python's values as JSON."""

import json
import math
from collections.abc import Mapping
from typing import Any

from descent.errors import Unsendable

ROWS = ("x", "y", "sample_weight")
"""The members in which NaN is a missing value, which JSON writes as null. Elsewhere it is a mistake."""

CONVERSIONS = ("tolist", "to_pylist", "as_py")
"""What arrays and numbers of numpy, pandas and Arrow become Python's own with."""


def encode(document: Mapping[str, Any]) -> bytes:
    """`document` in JSON, arrays as lists, and NaN among rows as null; raises Unsendable at what JSON cannot hold."""
    try:
        return json.dumps(document, default=_converted, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        return _dumped(document, "").encode()


def encode_option(name: str, value: Any) -> str:
    """The value of an option in JSON; raises Unsendable."""
    return _dumped(value, f"/{name}")


def _dumped(value: Any, at: str) -> str:
    try:
        return json.dumps(_plain(value, at))
    except (ValueError, RecursionError) as error:
        raise Unsendable(f"What was given cannot be written as JSON: {error}.") from None


def _plain(value: Any, at: str) -> Any:
    """`value`, which stands at the pointer `at`, in what JSON has."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return _number(value, at)
    if isinstance(value, Mapping):
        return {_name(key, at): _plain(each, f"{at}/{key}") for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each, f"{at}/{i}") for i, each in enumerate(value)]
    try:
        converted = _converted(value)
    except TypeError as error:
        raise Unsendable(f"{at} is {error}; give numbers, or lists or arrays of them.") from None
    return _plain(converted, at)


def _number(value: float, at: str) -> float | None:
    if math.isfinite(value):
        return value
    if math.isnan(value) and at.split("/")[1] in ROWS:
        return None
    raise Unsendable(f"{at} is {value}, which JSON cannot hold; give a finite number.")


def _name(key: Any, at: str) -> str | float | None:
    if key is None or isinstance(key, str | int | float):  # which json writes as texts
        return key
    raise Unsendable(f"{at} has the name {key!r}; give names that are texts.")


def _converted(value: Any) -> Any:
    for convert in CONVERSIONS:
        if hasattr(value, convert):
            converted = getattr(value, convert)()
            return float(value) if type(converted) is type(value) else converted  # as numpy's longdouble
    raise TypeError(f"of the type {type(value).__name__}, which JSON does not have")
