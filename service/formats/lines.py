"""Bodies of lines, a block of whole ones at a time."""

from collections.abc import Iterator

from service.errors import MalformedBody
from service.formats.source import BATCH_BYTES, Body

LONGEST_LINE = 4 << 20


class Lines:
    """The lines of `body`."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._rest = b""

    def header(self) -> bytes:
        """The first line that is not empty, without its end; empty at the end of the body."""
        while True:
            line, found, self._rest = _without_empty_lines(self._rest).partition(b"\n")
            if found:
                return line
            more = self._more(line)
            if not more:
                return line.strip() and line
            self._rest = line + more

    def blocks(self) -> Iterator[bytes]:
        """The remaining lines, some whole ones at a time."""
        more, self._rest = self._rest or self._more(b""), b""
        while more:
            block, found, rest = more.rpartition(b"\n")
            if found:
                yield self._rest + block + found
                self._rest = rest
            else:
                self._rest += more
            more = self._more(self._rest)
        if self._rest.strip():
            yield self._rest

    def _more(self, held: bytes) -> bytes:
        if len(held) > LONGEST_LINE:
            raise MalformedBody(f"A line is longer than {LONGEST_LINE} bytes; end each row with a newline.")
        return self._body.read(BATCH_BYTES)


def _without_empty_lines(text: bytes) -> bytes:
    """`text` from its first line on that is not empty, or that has no end yet: all at once, since there may be very
    many before it."""
    blank = len(text) - len(text.lstrip())
    return text[text.rfind(b"\n", 0, blank) + 1 :]
