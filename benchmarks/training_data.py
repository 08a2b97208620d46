"""Rows to train on, and their encodings as request bodies."""

import io
from typing import NamedTuple

import numpy as np
import orjson
import pyarrow as pa
from pyarrow import csv

JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"
ARROW = "application/vnd.apache.arrow.stream"
BATCH_ROWS = 1 << 17
"""Rows in a record batch, as many as pyarrow's datasets read at a time."""


class Data(NamedTuple):
    """Columns x (n, d) and y (n,), which is linear in x with noise."""

    x: np.ndarray
    y: np.ndarray


def make_data(n: int, d: int) -> Data:
    """Return n rows of d columns, the same at each call."""
    generator = np.random.default_rng(n + d)
    x = generator.normal(size=(n, d))
    return Data(x, x.sum(axis=1) + generator.normal(size=n))


def as_json(data: Data) -> bytes:
    """Return a body in JSON, with all digits: x is a list for one column, otherwise rows."""
    x = data.x[:, 0] if data.x.shape[1] == 1 else data.x
    return orjson.dumps({"x": np.ascontiguousarray(x), "y": data.y}, option=orjson.OPT_SERIALIZE_NUMPY)


def as_csv(data: Data) -> bytes:
    """Return a CSV text with the columns x0, x1 … and y, with all digits."""
    columns = {f"x{i}": column for i, column in enumerate(data.x.T)}
    sink = io.BytesIO()
    csv.write_csv(pa.table(columns | {"y": data.y}), sink)
    return sink.getvalue()


def as_arrow(data: Data) -> bytes:
    """Return an Arrow stream of record batches with the columns x (the first one alone) and y."""
    table = pa.table({"x": data.x[:, 0], "y": data.y})
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=BATCH_ROWS)
    return sink.getvalue()


def as_npy(data: Data) -> bytes:
    """Return a .npy file of rows with y last."""
    sink = io.BytesIO()
    np.save(sink, np.column_stack([data.x, data.y]))
    return sink.getvalue()
