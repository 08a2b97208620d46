"""JSON bodies of the fast path. Decoding blocks the event loop, so costly bodies are refused before they are parsed."""

from typing import Any

import numpy as np
import orjson

from service.formats.json import simd

MAX_MICROSECONDS = 1000
"""The largest estimated cost. The factors below are microseconds, measured on a machine with 2 cores and rounded up."""
MAX_UNCHECKED_BYTES = 512
"""Bodies of this size or less are below the limit, so they are not scanned."""
MAX_SIMD_NAMES = 16
"""simdjson takes ten times as long as orjson for an object's name, and a third of the time for a number."""
SIMD_VALUE, SIMD_LIST = 0.03, 0.065
VALUE, LIST, NAME, COLUMN = 0.09, 0.07, 0.3, 2.0


def decode(body: bytes) -> Any:
    """Return the value of a JSON text, with large lists of numbers as arrays.

    Returns None if the text is costly or refused. The slow path parses it again in a thread for its error message.
    """
    names = _count(body, '"') // 2 if len(body) > MAX_UNCHECKED_BYTES else 0
    uses_simd = len(body) >= simd.MIN_BYTES and names <= MAX_SIMD_NAMES
    if len(body) > MAX_UNCHECKED_BYTES and _microseconds(body, names, uses_simd=uses_simd) > MAX_MICROSECONDS:
        return None
    if uses_simd:
        return simd.decode(body)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _microseconds(body: bytes, names: int, *, uses_simd: bool) -> float:
    """Return the estimated cost of decoding a body, and of making a table of it.

    Commas, brackets and quotes are bounds of the number of values, lists and names, at the cost of a scan.
    """
    values, lists = _count(body, ","), _count(body, "[")
    if uses_simd:
        return SIMD_VALUE * values + SIMD_LIST * lists + COLUMN * names
    return VALUE * values + LIST * lists + NAME * names + COLUMN * min(names, lists)


def _count(body: bytes, character: str) -> int:
    """Return how often a character occurs. bytes.count takes ten times as long for a large body."""
    return int(np.count_nonzero(np.frombuffer(body, np.uint8) == ord(character)))
