"""Read a body in blocks of complete lines."""

import codecs
from collections.abc import Iterator

import numpy as np

from service.errors import MalformedBody
from service.formats.table import BATCH_BYTES, Body

MAX_LINE_BYTES = 4 << 20


class Lines:
    """The lines of `body`, separated by newlines, without a byte order mark.

    line: the number of the line where the latest block begins, from 1.
    """

    def __init__(self, body: Body) -> None:
        self._body = body
        self._rest = b""
        self._is_started = False
        self.line = 1

    def read_header(self) -> bytes:
        """Return the first line that is not empty, without its newline; empty bytes at the end of the body."""
        while True:
            buffer = self._skip_empty_lines(self._rest)
            end = self._first_line_end(buffer)
            if end:
                self._rest = buffer[end:]
                self.line += self.count_lines(buffer[:end])
                return buffer[: end - 1]
            data = self._read(buffer)
            self._rest = data and buffer + data
            if not data:
                return buffer.strip() and buffer

    def blocks(self) -> Iterator[bytes]:
        """Yield the lines after the header, in blocks of complete lines."""
        buffer = data = self._rest or self._read(b"")
        while data:
            end = self._last_line_end(buffer)
            if end:
                yield buffer[:end]
                self.line += self.count_lines(buffer[:end])
                buffer = buffer[end:]
            data = self._read(buffer)
            buffer += data
        if buffer.strip():
            yield buffer

    def count_lines(self, text: bytes) -> int:
        """Return the number of line ends in `text`."""
        return int(np.count_nonzero(np.frombuffer(text, np.uint8) == ord("\n")))  # 10 times as fast as bytes.count

    def _first_line_end(self, text: bytes) -> int:
        """Return the offset after the first line of `text`, 0 if no line is complete."""
        return text.find(b"\n") + 1

    def _last_line_end(self, text: bytes) -> int:
        """Return the offset after the last complete line of `text`, 0 if no line is complete."""
        return text.rfind(b"\n") + 1

    def _read(self, incomplete: bytes) -> bytes:
        if len(incomplete) > MAX_LINE_BYTES:
            raise MalformedBody(f"A line is longer than {MAX_LINE_BYTES} bytes. End each row with a newline.")
        data = self._body.read(BATCH_BYTES)
        if not self._is_started:
            self._is_started = True
            return data.removeprefix(codecs.BOM_UTF8)
        return data

    def _skip_empty_lines(self, text: bytes) -> bytes:
        """Return `text` from its first line that is not empty or not complete."""
        # In one step, because a body may begin with millions of empty lines.
        blank = len(text) - len(text.lstrip())
        end = last_line_end(text, 0, blank)
        self.line += self.count_lines(text[:end])
        return text[end:]


def last_line_end(text: bytes, start: int, end: int) -> int:
    """Return the offset after the last LF or CR of a part of `text`, 0 if it has none.

    A CR at the end of `text` does not count, because it may be the first half of CRLF.
    """
    newline = text.rfind(b"\n", start, end) + 1
    return max(newline, text.rfind(b"\r", max(newline, start), min(end, len(text) - 1)) + 1)
