"""Write Parquet files field by field, so that sizes and offsets in them can be wrong."""

import struct

import numpy as np
import pyarrow as pa

I32, I64, BINARY, LIST, STRUCT = 5, 6, 8, 9, 12
"""Types of the Thrift compact protocol."""


def varint(number):
    start = b""
    while number > 127:
        start += bytes([number & 127 | 128])
        number >>= 7
    return start + bytes([number])


def signed(number):
    return varint(2 * number if number >= 0 else -2 * number - 1)


def text(value):
    return varint(len(value)) + value


def structure(*fields):
    """Return a structure in the compact protocol from its fields (number, kind, value), in order."""
    body, previous = b"", 0
    for number, kind, value in fields:
        body += bytes([number - previous << 4 | kind]) + ENCODERS.get(kind, bytes)(value)
        previous = number
    return body + b"\0"


ENCODERS = {I32: signed, I64: signed, BINARY: text}


def thrift_list(kind, items, count=None):
    return bytes([0xF0 | kind]) + varint(len(items) if count is None else count) + b"".join(items)


def page(inflated, data, values):
    header = structure((1, I32, values), (2, I32, 0), (3, I32, 3), (4, I32, 3))
    return structure((1, I32, 0), (2, I32, inflated), (3, I32, len(data)), (5, STRUCT, header)) + data


def chunk(name, start, size, values):
    encodings = thrift_list(I32, [varint(0)])
    path = thrift_list(BINARY, [text(name)])
    sizes = ((6, I64, 8 * values), (7, I64, size), (9, I64, start))
    metadata = structure((1, I32, 5), (2, LIST, encodings), (3, LIST, path), (4, I32, 6), (5, I64, values), *sizes)
    return structure((2, I64, start), (3, STRUCT, metadata))


def schema(*names):
    leaves = [structure((1, I32, 5), (3, I32, 0), (4, BINARY, name)) for name in names]
    return [structure((4, BINARY, b"schema"), (5, I32, len(names))), *leaves]


def file(pages, index):
    return b"PAR1" + pages + index + struct.pack("<I", len(index)) + b"PAR1"


def forged(first, values=1000, *, is_shared=False, more=()):
    """Return a file of x and y with one page each: `first` for x, or for both columns. `more`: fields of the index."""
    last = page(8 * values, pa.compress(bytes(8 * values), "zstd", asbytes=True), values)
    start = 4 if is_shared else 4 + len(first)
    chunks = [chunk(b"x", 4, len(first), values), chunk(b"y", start, len(last), values)]
    group = structure((1, LIST, thrift_list(STRUCT, chunks)), (2, I64, 16 * values), (3, I64, values))
    groups = thrift_list(STRUCT, [group])
    index = structure(
        (1, I32, 1), (2, LIST, thrift_list(STRUCT, schema(b"x", b"y"))), (3, I64, values), (4, LIST, groups), *more
    )
    return file(first + last, index)


def valid(*more):
    numbers = np.arange(1000.0).tobytes()
    return forged(page(8000, pa.compress(numbers, "zstd", asbytes=True), 1000), more=more)
