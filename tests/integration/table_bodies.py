"""Write a table in every media type with other libraries than the service, and send it."""

import csv
import io
import json
import math

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import ipc, parquet

JSON = "application/json"
CSV = "text/csv"
NDJSON = "application/x-ndjson"
ARROW = "application/vnd.apache.arrow.stream"
ARROW_FILE = "application/vnd.apache.arrow.file"
PARQUET = "application/vnd.apache.parquet"
NPY = "application/x-npy"

PLANE = {"a": [1.0, 2.0, 3.0, 4.0, 5.5], "b": [1.0, 0.0, 2.0, 1.0, 0.5], "y": [1.0, 2.0, 4.0, 4.0, 5.0]}
"""Columns of a small training table."""


def as_json(columns):
    x = {name: _with_null(values) for name, values in columns.items() if name != "y"}
    body = {"x": x, **({"y": _with_null(columns["y"])} if "y" in columns else {})}
    return json.dumps(body).encode()


def as_csv(columns):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*([_cell(value) for value in column] for column in columns.values()), strict=True))
    return text.getvalue().encode()


def as_ndjson(columns):
    rows = zip(*(_with_null(column) for column in columns.values()), strict=True)
    return "\n".join(json.dumps(dict(zip(columns, row, strict=True))) for row in rows).encode()


def as_arrow(columns, rows_per_batch=3, metadata=None, new=ipc.new_stream, **options):
    table, sink = pa.table(columns, metadata=metadata), io.BytesIO()
    with new(sink, table.schema, options=ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, rows_per_batch)
    return sink.getvalue()


def as_arrow_file(columns, **options):
    return as_arrow(columns, new=ipc.new_file, **options)


def as_parquet(columns, row_group_size=4, metadata=None):
    sink = io.BytesIO()
    parquet.write_table(pa.table(columns, metadata=metadata), sink, row_group_size=row_group_size)
    return sink.getvalue()


def as_npy(columns):
    sink = io.BytesIO()
    np.save(sink, np.column_stack([np.array(column, dtype=np.float64) for column in columns.values()]))
    return sink.getvalue()


COLUMNAR = {ARROW: as_arrow, ARROW_FILE: as_arrow_file, PARQUET: as_parquet}
NAMED = {JSON: as_json, CSV: as_csv, NDJSON: as_ndjson, **COLUMNAR}
ALL = {**NAMED, NPY: as_npy}
TABLES = {media_type: write for media_type, write in ALL.items() if media_type != JSON}


def send(client, media_type, columns, path="/train", query="", **headers):
    """Post columns to the app in process and return its response."""
    return client.post(path + query, data=ALL[media_type](columns), content_type=media_type, headers=headers)


def read(media_type, body):
    """Return the columns of a response, read by the libraries themselves."""
    if media_type == JSON:
        return {"y": json.loads(body)["y"]}
    if media_type == NPY:
        return {"y": np.load(io.BytesIO(body)).tolist()}
    frame = {
        CSV: lambda: pd.read_csv(io.BytesIO(body)),
        NDJSON: lambda: pd.DataFrame([json.loads(line) for line in body.splitlines()]),
        ARROW: lambda: ipc.open_stream(body).read_pandas(),
        ARROW_FILE: lambda: pd.read_feather(io.BytesIO(body)),
        PARQUET: lambda: pd.read_parquet(io.BytesIO(body)),
    }[media_type]()
    return {name: frame[name].tolist() for name in frame}


def _with_null(values):
    return [None if value is None or math.isnan(value) else value for value in values]


def _cell(value):
    return "" if value is None or math.isnan(value) else repr(float(value))
