"""A file object that collects the bytes that pyarrow writes."""

from typing import Any


class ByteSink:
    """Collects written bytes until they are drained."""

    closed = False

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, data: Any) -> int:
        """Append a copy of `data` and return its length."""
        self._written.append(bytes(data))
        return len(data)

    def drain(self) -> bytes:
        """Return the bytes written since the last call."""
        data, self._written = b"".join(self._written), []
        return data

    def flush(self) -> None:
        """Do nothing: there is no buffer below."""

    def close(self) -> None:
        """Do nothing: pyarrow closes the file before its last bytes are drained."""
