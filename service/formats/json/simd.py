"""Large JSON bodies: simdjson, whose arrays of numbers become NumPy's without a Python object for each.

Long lists are cut out of the text and parsed a piece at a time: what was cut at commas between numbers, or between
rows, is a list if each of its pieces is one. What simdjson makes of a piece stays in the caches, in memory that the
next piece uses again; of a body of 200 MB it would be 400 MB, and getting them half of the time.

It only answers for what it surely reads as service.formats.json would; None stands for all else, so that verdicts, and
the places of faults, are those of small bodies.
"""

import threading
from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np
import simdjson

from service.core.blocks import FloatArray

MIN_BYTES = 1 << 14
"""Below this the time is not worth it."""
LONG_BYTES = 1 << 12
"""What has no name for so long is cut out if it is a list."""
PIECE_BYTES = 1 << 18
MAX_NAMES = 1 << 12
DATA = ("x", "y", "sample_weight")


class _ThisThread(threading.local):
    """A parser for pieces, with the memory that it has got."""

    def __init__(self) -> None:
        self.parser = simdjson.Parser()


_this_thread = _ThisThread()

Lists = dict[str, FloatArray]
"""Long lists, by the text that stands in their place."""


def decode(body: bytes) -> dict[str, Any] | None:
    """The object of a JSON text, the lists of numbers in it as float64 arrays: (n,) or, of rows, (n, d)."""
    if len(body) < MIN_BYTES or body[:1] != b"{":
        return None
    try:
        return _Reader(body).value()
    except (ValueError, TypeError, RuntimeError):
        _this_thread.parser = simdjson.Parser()  # the other is of no use while anything holds what it read last
        return None


class _Reader:
    """Reads one text; its methods raise ValueError, TypeError or RuntimeError where it is not plain."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._lists: Lists = {}

    def value(self) -> dict[str, Any]:
        """The members, if their brackets are all there are, and none is hidden in their depths."""
        rest = b"".join(self._without_long_lists())
        brackets = rest.count(b"[") + sum(map(_brackets, self._lists.values()))
        if rest.count(b"\\") != len(self._lists):
            raise ValueError
        document = simdjson.Parser().parse(rest)
        found = {name: self._member(each) if name in DATA else _plain(each) for name, each in _members(document)}
        parts = chain.from_iterable(each.values() if isinstance(each, dict) else [each] for each in found.values())
        if sum(map(_brackets, parts)) != brackets:
            raise ValueError
        return found

    def _without_long_lists(self) -> Iterator[bytes]:
        """The parts of the text between quotes, with texts in the place of long lists. Those have a control character,
        which only an escape can give a text, and other escapes are refused."""
        at = 0
        for _ in range(MAX_NAMES):
            quote = self._body.find(b'"', at)
            end = len(self._body) if quote < 0 else quote + 1
            yield self._shortened(at, end)
            if quote < 0:
                return
            at = end
        raise ValueError

    def _shortened(self, start: int, end: int) -> bytes:
        first, last = self._body.find(b"[", start, end), self._body.rfind(b"]", start, end)
        if end - start < LONG_BYTES or first < 0:
            return self._body[start:end]
        number = len(self._lists)
        self._lists[f"\1{number}"] = self._long_list(first + 1, last)
        return b'%b"\\u0001%d"%b' % (self._body[start:first], number, self._body[last + 1 : end])

    def _long_list(self, start: int, end: int) -> FloatArray:
        """The list whose text between its brackets is that."""
        pieces = [self._piece(start, cut) for start, cut in self._cuts(start, end)]
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def _cuts(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Where pieces begin and end, each but the last before a comma between numbers or rows."""
        comma = b"]," if self._body[start : start + 1] == b"[" else b","
        while end - start > PIECE_BYTES:
            cut = self._body.rindex(comma, start, start + PIECE_BYTES) + len(comma) - 1
            yield start, cut
            start = cut + 1
        yield start, end

    def _piece(self, start: int, end: int) -> FloatArray:
        text = b"[%b]" % self._body[start:end]
        array: FloatArray = _array(_this_thread.parser.parse(text))
        if _brackets(array) != np.count_nonzero(np.frombuffer(text, np.uint8) == ord("[")):
            raise ValueError
        return array

    def _member(self, value: Any) -> Any:
        if isinstance(value, simdjson.Object):
            return {name: self._list(column) for name, column in _members(value)}
        return self._list(value)

    def _list(self, value: Any) -> Any:
        return self._lists[value] if isinstance(value, str) and value in self._lists else _array(value)


def _members(document: Any) -> Iterator[tuple[str, Any]]:
    names = list(document.keys())
    if len(set(names)) < len(names):
        raise ValueError
    return ((name, document[name]) for name in names)


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
