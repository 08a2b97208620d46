"""A file that pyarrow writes to and an answer is taken from."""

from typing import Any


class ByteSink:
    """What is written, until it is taken."""

    closed = False

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, data: Any) -> int:
        """Keep `data`."""
        self._written.append(bytes(data))
        return len(data)

    def drain(self) -> bytes:
        """What was written since the last call."""
        data, self._written = b"".join(self._written), []
        return data

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing is open."""
