"""Conversions between pyarrow tables and numpy arrays, shared by the formats that pyarrow reads and writes."""

import contextlib
import io
import json
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from service.core.blocks import FloatArray
from service.errors import BodyTooLarge, MalformedBody
from service.formats.arrays import stack
from service.formats.bad_cells import ENCODE, LEAVE_OUT
from service.formats.table import MAX_BATCH_BYTES, Columns, TableReader, UnreadableCell

NUMBERS = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal, pa.types.is_null)
TEXTS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)


class ByteSink(io.BytesIO):
    """Collects the bytes that pyarrow writes until they are drained, also after pyarrow has closed the file."""

    def drain(self) -> bytes:
        """Return the bytes written since the last call."""
        data = self.getvalue()
        self.seek(0)
        self.truncate()
        return data

    def close(self) -> None:
        """Keep the bytes of the end of the file until they are drained."""


def to_matrix(columns: Iterable[Any]) -> FloatArray:
    """Return numeric columns as float64 (m, k), each column contiguous, with NaN for null."""
    return stack([_to_floats(column) for column in columns])


def _to_floats(column: Any) -> FloatArray:
    if not isinstance(column, pa.DictionaryArray):
        floats: FloatArray = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        return floats
    values = np.append(_to_floats(column.dictionary), np.nan)
    indices = column.indices.cast(pa.int64()).fill_null(len(values) - 1).to_numpy()
    decoded: FloatArray = values[indices]  # numpy checks the indices, which pyarrow does not
    return decoded


def reader(
    what: str, schema: pa.Schema, record_batches: Callable[[Sequence[int]], Iterator[pa.RecordBatch]]
) -> TableReader:
    """Return the reader of a table with a schema, whose columns at the given positions `record_batches` returns."""

    def batches(positions: Sequence[int]) -> Iterator[FloatArray]:
        check_types(schema, positions)
        with malformed_on_error(what):
            for batch in record_batches(positions):
                yield to_matrix(batch.columns)

    def labels(position: int) -> Iterator[pa.Array]:
        with malformed_on_error(what):
            for batch in record_batches([position]):
                batch.validate(full=True)
                yield batch.column(0)

    with malformed_on_error(what):
        names = tuple(schema.names)
    return TableReader(names, len(names), batches, labels=labels, index=index_columns(schema))


@contextlib.contextmanager
def malformed_on_error(what: str) -> Iterator[None]:
    """Raise MalformedBody for the errors of pyarrow, and of the guards that parse metadata before it."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise MalformedBody(f"The {what} cannot be read: {reason(error)}") from None
    except UnicodeDecodeError:
        raise MalformedBody("A column name is not UTF-8. Rename the column.") from None
    except (LookupError, RecursionError, struct.error):
        raise MalformedBody(f"The {what} cannot be read: its metadata is damaged.") from None


def write_batches(batches: Iterable[Columns], open_writer: Callable[[ByteSink, pa.Schema], Any]) -> Iterator[bytes]:
    """Yield the bytes that a pyarrow writer writes for each batch, then those of its close. Masked values are null."""
    sink, writer = ByteSink(), None
    for batch in batches:
        table = pa.table({name: np.asanyarray(column, order="C") for name, column in batch.items()})
        writer = writer or open_writer(sink, table.schema)
        writer.write_table(table)
        yield sink.drain()
    if writer:
        writer.close()
        yield sink.drain()


def check_types(schema: pa.Schema, positions: Sequence[int]) -> None:
    """Raise UnreadableCell for the first of the columns at `positions` that does not hold numbers."""
    for column, position in enumerate(positions):
        field = schema.field(position)
        kind = field.type.storage_type if isinstance(field.type, pa.BaseExtensionType) else field.type
        is_category = pa.types.is_dictionary(kind)
        values = kind.value_type if is_category else kind
        if not any(is_number(values) for is_number in NUMBERS):
            name = json.dumps(field.name, ensure_ascii=False)
            raise UnreadableCell(None, column, f"column {name} {_not_numbers(values, is_category=is_category)}")


def _not_numbers(kind: pa.DataType, *, is_category: bool) -> str:
    """Return what a column of a type that is not numeric has, and the cure."""
    if any(is_text(kind) for is_text in TEXTS):
        return f"has {'categories' if is_category else 'text'}; {ENCODE}"
    if pa.types.is_temporal(kind):
        return f"has the type {kind}; convert it to a number, such as days since a date, or {LEAVE_OUT}"
    if pa.types.is_nested(kind):
        return f"has nested values, of the type {kind}; give each of their members a column of its own, or {LEAVE_OUT}"
    return f"has the type {kind}; convert it to numbers, or {LEAVE_OUT}"


def index_columns(schema: pa.Schema) -> frozenset[int]:
    """Return the positions of the columns that the metadata of pandas, if there are any, call its row index."""
    try:
        index = orjson.loads(schema.metadata[b"pandas"])["index_columns"]
        names = {name for name in index if isinstance(name, str)}  # an index that is a range is no column
    except (TypeError, KeyError, ValueError):  # no metadata, or others than those of pandas
        return frozenset()
    return frozenset(position for position, name in enumerate(schema.names) if name in names)


def check_size(size: int, place: str) -> None:
    """Raise BodyTooLarge for a declared size of more than a batch."""
    if size > MAX_BATCH_BYTES:
        detail = f"The body declares {size} bytes in {place}; the limit is {MAX_BATCH_BYTES}. Write smaller batches."
        raise BodyTooLarge(detail)


def reason(error: Exception) -> str:
    """Return the first line of pyarrow's message as a sentence."""
    return str(error).splitlines()[0][:300].rstrip(".") + "."
