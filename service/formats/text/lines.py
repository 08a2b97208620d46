"""Read a body in blocks of complete lines."""

from collections.abc import Iterator

from service.errors import MalformedBody
from service.formats.table import BATCH_BYTES, Body

MAX_LINE_BYTES = 4 << 20


class Lines:
    """The lines of `body`, separated by newlines."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._rest = b""

    def read_header(self) -> bytes:
        """Return the first line that is not empty, without its newline; empty bytes at the end of the body."""
        while True:
            buffer = _skip_empty_lines(self._rest)
            end = self._first_line_end(buffer)
            if end:
                self._rest = buffer[end:]
                return buffer[: end - 1]
            data = self._read(buffer)
            self._rest = data and buffer + data
            if not data:
                return buffer.strip() and buffer

    def unread(self, header: bytes) -> None:
        """Put the header back, so that it is the first line of the blocks."""
        self._rest = header + b"\n" + self._rest

    def blocks(self) -> Iterator[bytes]:
        """Yield the lines after the header, in blocks of complete lines."""
        buffer = data = self._rest or self._read(b"")
        while data:
            end = self._last_line_end(buffer)
            if end:
                yield buffer[:end]
                buffer = buffer[end:]
            data = self._read(buffer)
            buffer += data
        if buffer.strip():
            yield buffer

    def _first_line_end(self, text: bytes) -> int:
        """Return the offset after the first line of `text`, 0 if no line is complete."""
        return text.find(b"\n") + 1

    def _last_line_end(self, text: bytes) -> int:
        """Return the offset after the last complete line of `text`, 0 if no line is complete."""
        return text.rfind(b"\n") + 1

    def _read(self, incomplete: bytes) -> bytes:
        if len(incomplete) > MAX_LINE_BYTES:
            raise MalformedBody(f"A line is longer than {MAX_LINE_BYTES} bytes. End each row with a newline.")
        return self._body.read(BATCH_BYTES)


def _skip_empty_lines(text: bytes) -> bytes:
    """Return `text` from its first line that is not empty or not complete."""
    # In one step, because a body may begin with millions of empty lines.
    blank = len(text) - len(text.lstrip())
    return text[text.rfind(b"\n", 0, blank) + 1 :]
