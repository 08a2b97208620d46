"""Bodies of requests: bytes, JSON, or a file that is read while it is sent."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from descent.errors import InvalidArgument
from descent.json_encoding import encode

JSON = "application/json"
NPY = "application/x-npy"
ARROW_STREAM = "application/vnd.apache.arrow.stream"
ARROW_FILE = "application/vnd.apache.arrow.file"

MEDIA_TYPES = {
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".parquet": "application/vnd.apache.parquet",
    ".arrow": ARROW_FILE,
    ".feather": ARROW_FILE,
    ".arrows": ARROW_STREAM,
    ".ndjson": "application/x-ndjson",
    ".jsonl": "application/x-ndjson",
    ".npy": NPY,
    ".json": JSON,
}
"""Media type of each file type that the service reads."""

ENCODINGS = {".gz": "gzip", ".zst": "zstd"}
"""Content encoding of each suffix that may follow that of the file type."""

CHUNK_BYTES = 1 << 18

Progress = Callable[[int, int], None]
"""Called with the bytes sent so far and the size of the file. A retry starts at 0 again."""


class File(NamedTuple):
    """A file to send as it is.

    path: the file.
    media_type: its media type, such as "text/csv".
    encoding: its compression, "gzip" or "zstd", or None.
    progress: called while the file is sent, with the bytes sent and the size of the file.
    """

    path: Path
    media_type: str
    encoding: str | None = None
    progress: Progress | None = None

    @classmethod
    def from_path(cls, path: str | PathLike[str]) -> "File":
        """Return the file `path`, whose suffix gives its media type. Raises InvalidArgument for other suffixes."""
        path = Path(path)
        encoding = ENCODINGS.get(path.suffix.lower())
        return cls(path, media_type_of_path(path.with_suffix("") if encoding else path), encoding)


def media_type_of_path(path: Path) -> str:
    """Return the media type of a file by its suffix. Raises InvalidArgument for an unknown one."""
    try:
        return MEDIA_TYPES[path.suffix.lower()]
    except KeyError:
        reason = f"Unsupported file type {path.suffix}" if path.suffix else f"{path.name} has no suffix"
        raise InvalidArgument(f"{reason}; use {', '.join(MEDIA_TYPES)}.") from None


@dataclass(frozen=True)
class Body:
    """Body, headers and query of one request. `content` is called for each attempt."""

    content: Callable[[], bytes | Iterator[bytes]] = bytes
    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_bytes(cls, content: bytes, media_type: str, query: dict[str, str]) -> "Body":
        """Return a body that is held in memory."""
        return cls(lambda: content, {"Content-Type": media_type}, query)

    @classmethod
    def from_json(cls, document: Mapping[str, object]) -> "Body":
        """Return `document` as JSON, with arrays as lists. Raises InvalidArgument."""
        return cls.from_bytes(encode(document), JSON, {})

    @classmethod
    def from_file(cls, file: File, query: dict[str, str]) -> "Body":
        """Return the bytes of `file`, which are read as they are sent."""
        headers = {"Content-Type": file.media_type, "Content-Length": str(file.path.stat().st_size)}
        if file.encoding:
            headers["Content-Encoding"] = file.encoding
        return cls(lambda: _read_chunks(file), headers, query)


def _read_chunks(file: File) -> Iterator[bytes]:
    total, sent = file.path.stat().st_size, 0
    with file.path.open("rb") as opened:
        while chunk := opened.read(CHUNK_BYTES):
            if file.progress:
                file.progress(sent, total)
            yield chunk
            sent += len(chunk)
    if file.progress:
        file.progress(sent, total)
