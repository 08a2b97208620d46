"""Split CSV into rows: lines, except for newlines in quoted fields."""

import re
from collections.abc import Iterator

import numpy as np

from service.formats.text.lines import Lines

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
BEFORE_OPENING = np.isin(np.arange(256), list(b',\r\n"'))
"""Characters before a quote that opens a field, or that is the second of an escaped pair."""

_OPENING = re.compile(rb'(?:\A|[,\r\n])"')
_TO_CLOSING = re.compile(rb'[^"]*(?:""[^"]*)*"(?!")')


class CsvLines(Lines):
    """The rows of a CSV text. As in RFC 4180, a quote is special only at the start of a field."""

    def read_header(self) -> bytes:
        """Return the first row that is not empty, without newline and byte order mark; empty bytes at the end."""
        self._rest = self._read(b"").removeprefix(BYTE_ORDER_MARK)
        return super().read_header()

    def _first_line_end(self, text: bytes) -> int:
        ends = (text.find(b"\n", start, end) + 1 for start, end in _unquoted_spans(text))
        return next(filter(None, ends), 0)

    def _last_line_end(self, text: bytes) -> int:
        if b'"' not in text:
            return super()._last_line_end(text)
        end = _last_row_end_by_parity(text)
        return max(text.rfind(b"\n", *span) + 1 for span in _unquoted_spans(text)) if end is None else end


def _last_row_end_by_parity(text: bytes) -> int | None:
    """Return the offset after the last complete row, 0 if no row is complete.

    A newline is quoted if the number of quotes before it is odd. Return None if `text` has quotes inside of unquoted
    fields, where that does not hold.
    """
    characters = np.frombuffer(text, np.uint8)
    quotes = np.flatnonzero(characters == ord('"'))
    opening = quotes[::2]
    if not (BEFORE_OPENING[characters[opening - 1]] | (opening == 0)).all():
        return None
    newlines = np.flatnonzero(characters == ord("\n"))
    ends = newlines[np.searchsorted(quotes, newlines) % 2 == 0]
    return int(ends[-1]) + 1 if len(ends) else 0


def _unquoted_spans(text: bytes) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each part of `text` outside of quoted fields."""
    start = 0
    while opening := _OPENING.search(text, start):
        yield start, opening.end()
        closing = _TO_CLOSING.match(text, opening.end())
        if closing is None:
            return
        start = closing.end()
    yield start, len(text)
