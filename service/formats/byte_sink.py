"""A file object that collects the bytes that pyarrow writes."""

import io


class ByteSink(io.BytesIO):
    """Collects written bytes until they are drained, also after pyarrow has closed the file."""

    def drain(self) -> bytes:
        """Return the bytes written since the last call."""
        data = self.getvalue()
        self.seek(0)
        self.truncate()
        return data

    def close(self) -> None:
        """Keep the bytes of the end of the file until they are drained."""
