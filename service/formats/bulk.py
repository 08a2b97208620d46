"""Large JSON bodies: simdjson, whose arrays of numbers become NumPy's without a Python object for each.

It only answers for what it surely reads as service.formats.json would; None stands for all else, so that verdicts, and
the places of faults, are those of small bodies.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np
import simdjson

from service.core.statistics import FloatArray

LEAST_BYTES = 1 << 14
"""Below this the time is not worth it."""
DATA = ("x", "y", "sample_weight")


def decode(body: bytes) -> dict[str, Any] | None:
    """The object of a JSON text, the lists of numbers in it as float64 arrays: (n,) or, of rows, (n, d)."""
    if len(body) < LEAST_BYTES or body[:1] != b"{" or b"\\" in body:
        return None
    try:
        return _decoded(simdjson.Parser().parse(body), body.count(b"["))
    except (ValueError, TypeError, RuntimeError):
        return None


def _decoded(document: Any, brackets: int) -> dict[str, Any] | None:
    """The members of `document`, if its `brackets` are those of the lists found and none is hidden in their depths."""
    found = {name: _member(value) if name in DATA else _plain(value) for name, value in _members(document)}
    lists = [*found.values(), *chain.from_iterable(each.values() for each in found.values() if isinstance(each, dict))]
    return found if sum(map(_brackets, lists)) == brackets else None


def _members(document: Any) -> Iterator[tuple[str, Any]]:
    names = list(document.keys())
    if len(set(names)) < len(names):
        raise ValueError
    return ((name, document[name]) for name in names)


def _member(value: Any) -> Any:
    if isinstance(value, simdjson.Object):
        return {name: _array(column) for name, column in _members(value)}
    return _array(value)


def _plain(value: Any) -> Any:
    """The value of an option."""
    if isinstance(value, simdjson.Object):
        return value.as_dict()
    return value.as_list() if isinstance(value, simdjson.Array) else value


def _array(value: Any) -> Any:
    """A list as an array: simdjson flattens what is nested, so the lengths of rows are compared first."""
    if not isinstance(value, simdjson.Array):
        return _plain(value)
    n = len(value)
    if n == 0:
        raise ValueError
    if not isinstance(value[0], simdjson.Array):
        return _numbers(value, n)
    rows: Any = value
    d, *others = set(map(len, rows))
    if others or d == 0:
        raise ValueError
    return _numbers(value, n * d).reshape(n, d)


def _numbers(value: Any, count: int) -> FloatArray:
    numbers: FloatArray = np.frombuffer(value.as_buffer(of_type="d"), np.float64)
    if len(numbers) != count:
        raise ValueError
    return numbers


def _brackets(value: Any) -> int:
    """How many opening brackets the list has that `value` came from."""
    if not isinstance(value, np.ndarray):
        return 0
    return 1 + (len(value) if value.ndim == 2 else 0)
