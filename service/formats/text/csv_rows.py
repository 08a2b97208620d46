"""Split CSV into rows: lines, except for newlines in quoted fields. A line ends with LF, CR or CRLF."""

import re
from collections.abc import Iterator
from functools import cache

import numpy as np

from service.formats.table import Body
from service.formats.text.lines import Lines, last_line_end

_TO_CLOSING = re.compile(rb'[^"]*(?:""[^"]*)*"(?!")')
_LINE_END = re.compile(rb"\r\n|\n|\r(?=[^\n])")
"""A CR at the end of a piece of text may be the first half of CRLF."""


@cache
def _opening(delimiter: str) -> re.Pattern[bytes]:
    """Return the pattern of a quote that opens a field."""
    return re.compile(b'(?:\\A|[%b\r\n])"' % re.escape(delimiter).encode())


class CsvLines(Lines):
    """The rows of a CSV text. As in RFC 4180, a quote is special only at the start of a field."""

    def __init__(self, body: Body, delimiter: str = ",") -> None:
        super().__init__(body)
        self._delimiter = delimiter
        self._opening = _opening(delimiter)

    def line_of_row(self, block: bytes, row: int) -> int:
        """Return the number of the line where a row of the latest block begins. Empty lines are not rows."""
        line, start = self.line, 0
        for span in self._unquoted_spans(block):
            for found in _LINE_END.finditer(block, *span):
                row -= found.start() > start
                if row < 0:
                    return line
                line += self.count_lines(block[start : found.end()])
                start = found.end()
        return line

    def count_lines(self, text: bytes) -> int:
        """Return the number of line ends in `text`."""
        newlines = super().count_lines(text)
        if b"\r" not in text:
            return newlines
        characters = np.frombuffer(text, np.uint8)
        returns = characters == ord("\r")
        return newlines + int(returns.sum()) - int((returns[:-1] & (characters[1:] == ord("\n"))).sum())

    def _first_line_end(self, text: bytes) -> int:
        found = (_LINE_END.search(text, *span) for span in self._unquoted_spans(text))
        return next((end.end() for end in found if end), 0)

    def _last_line_end(self, text: bytes) -> int:
        if b'"' not in text:
            return last_line_end(text, 0, len(text))
        end = self._last_row_end_by_parity(text)
        return max(last_line_end(text, *span) for span in self._unquoted_spans(text)) if end is None else end

    def _last_row_end_by_parity(self, text: bytes) -> int | None:
        """Return the offset after the last complete row, 0 if no row is complete.

        A newline is quoted if the number of quotes before it is odd. Return None if `text` has quotes inside of
        unquoted fields, where that does not hold.
        """
        characters = np.frombuffer(text, np.uint8)
        quotes = np.flatnonzero(characters == ord('"'))
        opening = quotes[::2]
        before_opening = np.isin(np.arange(256), list(f'{self._delimiter}\r\n"'.encode()))
        if not (before_opening[characters[opening - 1]] | (opening == 0)).all():
            return None
        is_end = characters == ord("\n")
        is_end[:-1] |= characters[:-1] == ord("\r")
        newlines = np.flatnonzero(is_end)
        ends = newlines[np.searchsorted(quotes, newlines) % 2 == 0]
        return int(ends[-1]) + 1 if len(ends) else 0

    def _unquoted_spans(self, text: bytes) -> Iterator[tuple[int, int]]:
        """Yield the start and end of each part of `text` outside of quoted fields."""
        start = 0
        while opening := self._opening.search(text, start):
            yield start, opening.end()
            closing = _TO_CLOSING.match(text, opening.end())
            if closing is None:
                return
            start = closing.end()
        yield start, len(text)
