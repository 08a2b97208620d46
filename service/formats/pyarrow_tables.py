"""What the formats share that pyarrow reads and writes: columns to arrays and back."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from service.core.blocks import FloatArray
from service.errors import InvalidRequest, MalformedBody
from service.formats.arrays import escape, stack
from service.formats.byte_sink import ByteSink
from service.formats.table import Columns

UNREADABLE = (pa.ArrowException, OSError, UnicodeDecodeError)
"""What pyarrow raises over a body that is not in its format."""


def matrix(columns: Iterable[Any]) -> FloatArray:
    """Columns of numbers as float64 (m, k), each contiguous; NaN for null."""
    return stack([_numbers(column) for column in columns])


def names(schema: pa.Schema) -> tuple[str, ...]:
    """The names of the columns; raises MalformedBody."""
    try:
        return tuple(schema.names)
    except UnicodeDecodeError:
        raise MalformedBody("A column's name is not UTF-8.") from None


def table(columns: Columns) -> pa.Table:
    """Columns of an answer as a pyarrow table."""
    return pa.table({name: pa.array(np.ascontiguousarray(column)) for name, column in columns.items()})


def written(batches: Iterable[Columns], begin: Callable[[ByteSink, pa.Schema], Any]) -> Iterator[bytes]:
    """What the writer that `begin` makes for a schema writes of each batch, and at the end."""
    sink, writer = ByteSink(), None
    for batch in batches:
        rows = table(batch)
        writer = writer or begin(sink, rows.schema)
        writer.write_table(rows)
        yield sink.drain()
    if writer:
        writer.close()
        yield sink.drain()


def check_types(schema: pa.Schema, wanted: Sequence[int]) -> None:
    """Raise InvalidRequest unless the wanted columns hold numbers."""
    for position in wanted:
        field = schema.field(position)
        if not (pa.types.is_integer(field.type) or pa.types.is_floating(field.type) or pa.types.is_null(field.type)):
            raise InvalidRequest.at(f"/x/{escape(field.name)}", f"holds {field.type}, not numbers")


def reason(error: Exception) -> str:
    """What pyarrow says is wrong, on one line."""
    return str(error).splitlines()[0][:300].rstrip(".") + "."


def _numbers(column: Any) -> FloatArray:
    numbers: FloatArray = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return numbers
