"""Bodies of lines, a block of whole ones at a time."""

from collections.abc import Iterator

from service.errors import MalformedBody
from service.formats.table import BATCH_BYTES, Body

LONGEST_LINE = 4 << 20


class Lines:
    """The lines of `body`."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._rest = b""

    def header(self) -> bytes:
        """The first line that is not empty, without its end; empty at the end of the body."""
        while True:
            held = _without_empty_lines(self._rest)
            end = self._first_end(held)
            if end:
                self._rest = held[end:]
                return held[: end - 1]
            more = self._more(held)
            self._rest = more and held + more
            if not more:
                return held.strip() and held

    def blocks(self) -> Iterator[bytes]:
        """The remaining lines, some whole ones at a time."""
        held = more = self._rest or self._more(b"")
        while more:
            end = self._last_end(held)
            if end:
                yield held[:end]
                held = held[end:]
            more = self._more(held)
            held += more
        if held.strip():
            yield held

    def _first_end(self, text: bytes) -> int:
        """Where the first line of `text`, which begins with one, ends; 0 if it has no end."""
        return text.find(b"\n") + 1

    def _last_end(self, text: bytes) -> int:
        """Where the last line of `text` ends that has an end; 0 if none has."""
        return text.rfind(b"\n") + 1

    def _more(self, held: bytes) -> bytes:
        if len(held) > LONGEST_LINE:
            raise MalformedBody(f"A line is longer than {LONGEST_LINE} bytes; end each row with a newline.")
        return self._body.read(BATCH_BYTES)


def _without_empty_lines(text: bytes) -> bytes:
    """`text` from its first line on that is not empty, or that has no end yet: all at once, since there may be very
    many before it."""
    blank = len(text) - len(text.lstrip())
    return text[text.rfind(b"\n", 0, blank) + 1 :]
