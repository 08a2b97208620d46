"""Decode large JSON bodies with simdjson, which writes lists of numbers to numpy arrays without Python objects.

Long lists are cut at commas between numbers or rows and parsed in pieces: a text is a list of numbers if each of its
pieces is one. simdjson's tape of a piece then stays in the CPU caches and reuses its memory. The tape of a body of 200
MB would have 400 MB, whose allocation takes half of the time.

A body that simdjson might read otherwise than `service.formats.json.codec` gives None, so that both accept the same
bodies and report the same errors.
"""

import threading
from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np
import simdjson

from service.core.blocks import FloatArray

MIN_BYTES = 1 << 14
"""Smaller bodies are decoded as fast by orjson."""
MIN_LIST_BYTES = 1 << 12
"""A text without quotes is searched for a long list from this length on."""
PIECE_BYTES = 1 << 18
MAX_NAMES = 1 << 12
DATA_FIELDS = ("x", "y", "sample_weight")

Lists = dict[str, FloatArray]
"""Long lists by the placeholder text in their place."""


class _ThreadState(threading.local):
    """The parser of pieces of each thread, which keeps its memory."""

    def __init__(self) -> None:
        self.parser = simdjson.Parser()


_thread_state = _ThreadState()


def decode(body: bytes) -> dict[str, Any] | None:
    """Return the object of a JSON text, with lists of numbers as float64 (n,) and lists of rows as (n, d)."""
    if len(body) < MIN_BYTES or body[:1] != b"{":
        return None
    try:
        return _Decoder(body).decode()
    except (ValueError, TypeError, RuntimeError, IndexError):
        _thread_state.parser = simdjson.Parser()  # an exception may hold values of the old one, which blocks its reuse
        return None


class _Decoder:
    """Decodes one text; its methods raise one of the exceptions above for a text left to the codec."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._lists: Lists = {}

    def decode(self) -> dict[str, Any]:
        """Return the members of the object, if every opening bracket belongs to a list that became an array."""
        rest = b"".join(self._replace_long_lists())
        brackets = rest.count(b"[") + sum(map(_count_brackets, self._lists.values()))
        if rest.count(b"\\") != len(self._lists):
            raise ValueError
        document = simdjson.Parser().parse(rest)
        decoders = dict.fromkeys(DATA_FIELDS, self._decode_data)
        members = {name: decoders.get(name, _to_python)(value) for name, value in _members(document)}
        values = chain.from_iterable(each.values() if isinstance(each, dict) else [each] for each in members.values())
        if sum(map(_count_brackets, values)) != brackets:
            raise ValueError
        return members

    def _replace_long_lists(self) -> Iterator[bytes]:
        """Yield the parts of the text between quotes, with a placeholder text in place of each long list.

        A placeholder contains a control character, which JSON allows only as an escape. Texts with any other escape
        are left to the codec, so no text of the body can equal a placeholder.
        """
        start = 0
        for _ in range(MAX_NAMES):
            end = self._body.find(b'"', start) + 1 or len(self._body)
            yield self._replace_long_list(start, end)
            if end == len(self._body):
                return
            start = end
        raise ValueError

    def _replace_long_list(self, start: int, end: int) -> bytes:
        first, last = self._body.find(b"[", start, end), self._body.rfind(b"]", start, end)
        if end - start < MIN_LIST_BYTES or first < 0:
            return self._body[start:end]
        number = len(self._lists)
        self._lists[f"\1{number}"] = self._parse_long_list(first + 1, last)
        return b'%b"\\u0001%d"%b' % (self._body[start:first], number, self._body[last + 1 : end])

    def _parse_long_list(self, start: int, end: int) -> FloatArray:
        """Return the list whose text between its brackets is body[start:end]."""
        pieces = [self._parse_piece(first, last) for first, last in self._pieces(start, end)]
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def _pieces(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield the start and end of each piece, cut at commas between numbers or rows."""
        comma = b"]," if self._body[start : start + 1] == b"[" else b","
        while end - start > PIECE_BYTES:
            cut = self._body.rindex(comma, start, start + PIECE_BYTES) + len(comma) - 1
            yield start, cut
            start = cut + 1
        yield start, end

    def _parse_piece(self, start: int, end: int) -> FloatArray:
        text = b"[%b]" % self._body[start:end]
        array: FloatArray = _to_array(_thread_state.parser.parse(text))
        if _count_brackets(array) != np.count_nonzero(np.frombuffer(text, np.uint8) == ord("[")):
            raise ValueError
        return array

    def _decode_data(self, value: Any) -> Any:
        if isinstance(value, simdjson.Object):
            return {name: self._decode_list(column) for name, column in _members(value)}
        return self._decode_list(value)

    def _decode_list(self, value: Any) -> Any:
        return self._lists[value] if isinstance(value, str) and value in self._lists else _to_array(value)


def _members(document: Any) -> Iterator[tuple[str, Any]]:
    names = list(document.keys())
    if len(set(names)) < len(names):
        raise ValueError
    return ((name, document[name]) for name in names)


def _to_python(value: Any) -> Any:
    if isinstance(value, simdjson.Object):
        return value.as_dict()
    return value.as_list() if isinstance(value, simdjson.Array) else value


def _to_array(value: Any) -> Any:
    """Return a list as an array (n,) or (n, d). simdjson flattens nested lists, so row lengths are compared first."""
    if not isinstance(value, simdjson.Array):
        return _to_python(value)
    n = len(value)
    if not isinstance(value[0], simdjson.Array):
        return _to_flat_array(value, n)
    rows: Any = value
    d, *others = set(map(len, rows))
    if others or d == 0:
        raise ValueError
    return _to_flat_array(value, n * d).reshape(n, d)


def _to_flat_array(value: Any, count: int) -> FloatArray:
    numbers: FloatArray = np.frombuffer(value.as_buffer(of_type="d"), np.float64)
    if len(numbers) != count:
        raise ValueError
    return numbers


def _count_brackets(value: Any) -> int:
    """Return the number of opening brackets of the list that `value` was decoded from."""
    return 1 + len(value) * (value.ndim - 1) if isinstance(value, np.ndarray) else 0
