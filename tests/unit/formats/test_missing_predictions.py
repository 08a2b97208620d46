"""Masked values in responses are null in every table format."""

import io
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from service.formats.registry import TABLES

READERS = {
    "text/csv": lambda data: csv.read_csv(io.BytesIO(data)).to_pydict(),
    "application/vnd.apache.arrow.stream": lambda data: pa.ipc.open_stream(data).read_all().to_pydict(),
    "application/vnd.apache.parquet": lambda data: parquet.read_table(io.BytesIO(data)).to_pydict(),
    "application/x-ndjson": lambda data: {
        name: [json.loads(line)[name] for line in data.splitlines()] for name in ("y", "lower")
    },
}


def write(media_type, columns):
    return b"".join(TABLES[media_type].write(iter([columns])))


@pytest.mark.parametrize("media_type", READERS)
def test_masked_values_are_null(media_type):
    values = np.array([1.5, np.nan, 2.5])
    masked = np.ma.array(values, mask=np.isnan(values))
    found = READERS[media_type](write(media_type, {"y": masked, "lower": np.array([0.0, 1.0, 2.0])}))
    assert found == {"y": [1.5, None, 2.5], "lower": [0.0, 1.0, 2.0]}


def test_a_missing_prediction_is_a_line_of_csv_that_readers_do_not_skip():
    values = np.array([np.nan, 1.5, np.nan, np.nan, 2.0, np.nan])
    data = write("text/csv", {"y": np.ma.masked_invalid(values)})
    assert data == b'"y"\n""\n1.5\n""\n""\n2\n""\n'
    np.testing.assert_array_equal(pd.read_csv(io.BytesIO(data)).y, values)


@pytest.mark.parametrize("media_type", READERS)
def test_a_column_may_have_masked_values_only(media_type):
    masked = np.ma.array([np.nan, np.nan], mask=True)
    found = READERS[media_type](write(media_type, {"y": masked, "lower": masked}))
    assert found["y"] == [None, None]


def test_masked_values_are_nan_in_npy():
    masked = np.ma.array([1.5, 7.0], mask=[False, True])
    data = write("application/x-npy", {"y": masked, "lower": np.array([0.0, 1.0])})
    np.testing.assert_array_equal(np.load(io.BytesIO(data)), [[1.5, 0], [np.nan, 1]])
