"""The interface of a table format: read a body as batches of columns, write batches of columns as a body."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from service.core.blocks import FloatArray
from service.errors import BodyTooLarge, InvalidRequest, quoted

BATCH_BYTES = 1 << 20
"""Approximate size of the pieces in which a body is read."""
MAX_BATCH_BYTES = 64 << 20
"""Largest record batch, page or index, which is held in memory as a whole."""
BATCH_ROWS = 65_536
SPOOL_MEMORY_BYTES = 1 << 20
"""Bytes that a spooled file keeps in memory before it goes to disk."""
ALWAYS_ALLOWED_BYTES = 16 << 20
"""Decompressed size that any compressed body may have."""

CellPointer = Callable[[int, int], str]
"""Return the JSON pointer of the cell at a row number and a column position."""
Columns = Mapping[str, FloatArray]
"""A batch of rows of a response: one array (m,) per column name. Masked values are null; in .npy they are NaN."""


class Body(Protocol):
    """A request body that is read as it arrives."""

    @property
    def size(self) -> int:
        """The number of bytes received so far, before decompression."""

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes; fewer only at the end."""

    def readinto(self, buffer: memoryview) -> int:
        """Fill `buffer` and return the number of bytes read; fewer only at the end."""


@dataclass
class RecordNames:
    """The column names of the first records.

    is_complete: whether these are all records. refuses_others: whether a later record with another name is an error.
    added: the names that only later records may have.
    """

    names: list[str]
    is_complete: bool
    refuses_others: bool = False
    added: list[str] = field(default_factory=list)

    def check_found(self, unseen: set[str]) -> None:
        """Raise InvalidRequest if any added name is `unseen` in all records."""
        if unseen:
            raise InvalidRequest.at("/x", f"column {quoted(min(unseen))} is in no row; choose others with x=")

    def add(self, name: str) -> int:
        """Return the position of a column that only later records may have."""
        self.names.append(name)
        self.added.append(name)
        return len(self.names) - 1


@dataclass(frozen=True)
class TableReader:
    """A table that is read in batches.

    names: the column names, None for a format without names. width: the number of columns. index: the positions of
        columns that are a row index, by the metadata of pandas.
    batches: return the columns at the given positions, as arrays (m, k) in row order, with NaN for a missing value. The
        iterator raises UnreadableCell, MalformedBody, and the errors of reading the body.
    max_columns: the limit on the number of columns of x.
    labels: return the column at a position in batches of values of any type, as lists or pyarrow arrays, with None for
        a missing value; absent for a format without names. It raises as the iterator of `batches` does.
    records: the `names` of a table whose rows name their columns.
    rows: the positions of the rows in the request.
    """

    names: Sequence[str] | None
    width: int
    batches: Callable[[Sequence[int]], Iterator[FloatArray]]
    max_columns: int = 1000
    labels: Callable[[int], Iterator[Any]] | None = None
    index: frozenset[int] = frozenset()
    records: RecordNames | None = None
    rows: "range | npt.NDArray[np.intp]" = range(sys.maxsize)


class UnreadableCell(Exception):
    """The cell at `row` and the `column`-th requested column is not a number.

    Without a column, the row is malformed; without a row, the column does not hold numbers.
    """

    def __init__(self, row: int | None, column: int | None, detail: str) -> None:
        super().__init__(detail)
        self.row, self.column, self.detail = row, column, detail


class Limits(NamedTuple):
    """Memory limits for a body.

    max_buffered_bytes: the size of a body that has to be held in memory as a whole.
    max_decompression_ratio: decompressed size / received size, beyond the size that is always allowed.
    """

    max_buffered_bytes: int
    max_decompression_ratio: int

    def decompression_budget(self, body: Body, max_bytes: int | None = None) -> "DecompressionBudget":
        """Return a budget for the decompressed size of `body`, at most `max_bytes` if given."""
        return DecompressionBudget(body, self.max_decompression_ratio, max_bytes)


@dataclass
class DecompressionBudget:
    """The number of bytes that a body may decompress to; it grows with the bytes received. size: those so far."""

    body: Body
    max_ratio: int
    max_bytes: int | None
    size: int = 0

    def consume(self, size: int) -> None:
        """Add `size` decompressed bytes; raise BodyTooLarge beyond the budget."""
        self.size += size
        allowed = max(ALWAYS_ALLOWED_BYTES, self.max_ratio * self.body.size)
        if self.max_bytes is not None:
            allowed = min(allowed, self.max_bytes)
        if self.size > allowed:
            cap = "" if self.max_bytes is None else f", at most {self.max_bytes} bytes"
            detail = f"The body decompresses to more than {allowed} bytes; the limit is {self.max_ratio} times its size"
            setting = f"(DESCENT_MAX_DECOMPRESSION_RATIO){cap}"
            raise BodyTooLarge(f"{detail} {setting}. Send it uncompressed, or send fewer rows.")


class Format(NamedTuple):
    """A media type of tables and its functions to read and write.

    is_streaming: bodies are read as they arrive. options: the options that `read` takes as keywords.
    """

    media_type: str
    read: Callable[..., TableReader]
    write: Callable[[Iterator[Columns]], Iterator[bytes]]
    is_streaming: bool
    options: tuple[str, ...] = ()
