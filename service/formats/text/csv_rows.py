"""The rows of CSV: lines, but for newlines between quotes."""

import re
from collections.abc import Iterator

import numpy as np

from service.formats.text.lines import Lines

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
QUOTE, NEWLINE = b'"'[0], b"\n"[0]
BEFORE_OPENING = np.isin(np.arange(256), list(b',\r\n"'))
"""What stands before a quote that begins a field, or that follows its like and stands for one with it."""

_OPENING = re.compile(rb'(?:\A|[,\r\n])"')
_TO_CLOSING = re.compile(rb'[^"]*(?:""[^"]*)*"(?!")')


class CsvLines(Lines):
    """The rows of a CSV text. Quotes have a meaning where they begin a field, as in RFC 4180, and nowhere else."""

    def header(self) -> bytes:
        """The first row that is not empty, without its end and a mark before it; empty at the end of the body."""
        self._rest = self._more(b"").removeprefix(BYTE_ORDER_MARK)
        return super().header()

    def _first_end(self, text: bytes) -> int:
        ends = (text.find(b"\n", start, end) + 1 for start, end in _unquoted(text))
        return next(filter(None, ends), 0)

    def _last_end(self, text: bytes) -> int:
        if b'"' not in text:
            return super()._last_end(text)
        end = _last_end_by_parity(text)
        return max(text.rfind(b"\n", *part) + 1 for part in _unquoted(text)) if end is None else end


def _last_end_by_parity(text: bytes) -> int | None:
    """Where the last row ends, a newline being in it if an odd number of quotes comes before; None if some quotes are
    within fields without a meaning, so that this says nothing. Much quicker than going from field to field."""
    characters = np.frombuffer(text, np.uint8)
    quotes = np.flatnonzero(characters == QUOTE)
    opening = quotes[::2]
    if not (BEFORE_OPENING[characters[opening - 1]] | (opening == 0)).all():
        return None
    newlines = np.flatnonzero(characters == NEWLINE)
    ends = newlines[np.searchsorted(quotes, newlines) % 2 == 0]
    return int(ends[-1]) + 1 if len(ends) else 0


def _unquoted(text: bytes) -> Iterator[tuple[int, int]]:
    """The parts of a text that are not between quotes: where they start and end."""
    start = 0
    while opening := _OPENING.search(text, start):
        yield start, opening.end()
        closing = _TO_CLOSING.match(text, opening.end())
        if closing is None:
            return
        start = closing.end()
    yield start, len(text)
