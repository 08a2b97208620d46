"""A file that pyarrow writes to and an answer is taken from."""

from typing import Any


class Sink:
    """What is written, until it is taken."""

    closed = False

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, data: Any) -> int:
        """Keep `data`."""
        self._written.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        """What was written since the last call."""
        taken, self._written = b"".join(self._written), []
        return taken

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing is open."""
