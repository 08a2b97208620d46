"""What every format of tables is: a source of batches with column names, and a way to write batches."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from service.core.blocks import FloatArray
from service.errors import BodyTooLarge

BATCH_BYTES = 1 << 20
"""About how much of a body is read at a time."""
MAX_BATCH_BYTES = 64 << 20
"""The largest piece of a body that has to be held as a whole: a line, a record batch, a row group's page."""
BATCH_ROWS = 65_536
SPOOL_MEMORY_BYTES = 1 << 20
"""What is kept in memory of what waits in a temporary file past that."""
ALWAYS_ALLOWED_BYTES = 16 << 20
"""What any compressed body may inflate to."""

CellPointer = Callable[[int, int], str]
"""The pointer of the cell in a row and column."""
Columns = Mapping[str, FloatArray]
"""Some rows of an answer, by column."""


class Body(Protocol):
    """A body as it comes."""

    @property
    def size(self) -> int:
        """How many bytes of it have come, as they were sent."""

    def read(self, size: int) -> bytes:
        """The next `size` bytes; fewer only at the end."""

    def readinto(self, buffer: memoryview) -> int:
        """Fill `buffer`; how many bytes came, fewer only at the end."""


@dataclass(frozen=True)
class TableReader:
    """A table that is being read.

    names: of its columns, if they have any. width: how many they are.
    batches: the columns at some positions, (m, k) in a batch, the rows in order. NaN stands for a missing value. The
        iterator raises UnreadableCell, MalformedBody, and what reading the body raises.
    most_columns: the most that are read.
    """

    names: tuple[str, ...] | None
    width: int
    batches: Callable[[Sequence[int]], Iterator[FloatArray]]
    max_columns: int = 1000


class UnreadableCell(Exception):
    """What stands at `row` in the `column`-th wanted column is no number; without a column, the row itself is wrong."""

    def __init__(self, row: int, column: int | None, detail: str) -> None:
        super().__init__(detail)
        self.row, self.column, self.detail = row, column, detail


@dataclass(frozen=True)
class Limits:
    """How much a body may ask for.

    held_bytes: what may be held at once of a body that cannot be read as it comes.
    inflation: how many times its size a compressed body may inflate to, beyond what is always allowed.
    """

    max_buffered_bytes: int
    max_decompression_ratio: int

    def decompression_budget(self, body: Body, most: int | None = None) -> "DecompressionBudget":
        """A meter of what `body` becomes, of at most so many bytes if a bound is given."""
        return DecompressionBudget(body, self.max_decompression_ratio, most)


class DecompressionBudget:
    """What a body has become by being inflated or read, and what it may become with what has come of it so far."""

    def __init__(self, body: Body, max_decompression_ratio: int, most: int | None) -> None:
        self._body = body
        self._inflation = max_decompression_ratio
        self._most = most
        self._size = 0

    def consume(self, size: int) -> None:
        """Count so many bytes more; raises BodyTooLarge."""
        self._size += size
        allowed = max(ALWAYS_ALLOWED_BYTES, self._inflation * self._body.size)
        if self._most is not None:
            allowed = min(allowed, self._most)
        if self._size > allowed:
            also = "" if self._most is None else f", and {self._most} bytes"
            raise BodyTooLarge(
                f"The body inflates to more than {allowed} bytes: the bound is {self._inflation} times its size "
                f"(DESCENT_MAX_DECOMPRESSION_RATIO){also}. Send it as it is, or less of it."
            )


@dataclass(frozen=True)
class Format:
    """A media type of tables: how to read and write it. `streams` tells that it is read as it comes."""

    media_type: str
    read: Callable[[Body, Limits], TableReader]
    write: Callable[[Iterator[Columns]], Iterator[bytes]]
    is_streaming: bool
