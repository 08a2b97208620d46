"""Parquet files that libraries write, and files with damage."""

import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import table_bodies
from pyarrow import parquet

MEGABYTE = 1 << 20
ROWS = 3000


def train(client, body, query=""):
    return client.post(f"/train{query}", data=body, content_type=table_bodies.PARQUET)


def table(rows=ROWS):
    numbers = np.random.default_rng(3).normal(size=rows)
    return pa.table({"x": numbers, "few": np.round(numbers), "y": 3 * numbers + 1})


def write(columns, **options):
    sink = io.BytesIO()
    parquet.write_table(columns, sink, **options)
    return sink.getvalue()


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd", "gzip", "brotli", "lz4"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("dictionary", [True, False])
def test_files_of_every_compression_and_page_version_are_read(client, compression, version, dictionary):
    options = {"compression": compression, "data_page_version": version, "use_dictionary": dictionary}
    body = write(table(), row_group_size=1100, data_page_size=2000, **options)
    assert train(client, body).json["n"] == ROWS


@pytest.mark.parametrize(
    "options",
    [
        {"row_group_size": 10},
        {"write_statistics": False},
        {"write_page_index": True, "write_page_checksum": True},
        {"store_schema": False, "version": "1.0"},
        {"sorting_columns": [parquet.SortingColumn(0)]},
        {"bloom_filter_options": {"few": True}},
        {"use_dictionary": False, "use_byte_stream_split": True},
        {"use_dictionary": False, "column_encoding": {"few": "BYTE_STREAM_SPLIT"}},
    ],
)
def test_files_with_optional_structures_in_their_index_are_read(client, options):
    assert train(client, write(table(), **options)).json["n"] == ROWS


def test_a_file_larger_than_the_memory_of_a_spool_is_read(client):
    body = write(table(200_000))
    assert len(body) > 2 * MEGABYTE
    assert train(client, body).json["n"] == 200_000


def test_files_of_pandas_are_read(client):
    frame = table().to_pandas()
    frame["whole"] = pd.array([None, *range(ROWS - 1)], dtype="Int64")
    frame.index = pd.RangeIndex(5, ROWS + 5, name="row")
    sink = io.BytesIO()
    frame.to_parquet(sink)
    assert train(client, sink.getvalue(), "?missing=drop").json["n"] == ROWS - 1


def test_pages_of_other_columns_are_not_read(client):
    body = write(pa.table({"x": np.arange(9.0), "x.1": np.arange(9.0), "y": np.arange(9.0)}), use_dictionary=False)
    at = parquet.ParquetFile(io.BytesIO(body)).metadata.row_group(0).column(1).data_page_offset
    broken = body[:at] + b"\xff" + body[at + 1 :]
    assert train(client, broken, "?x=x").json["n"] == 9
    assert train(client, broken).status_code == 400


def test_an_empty_table_is_refused(client):
    assert 400 <= train(client, write(table(0))).status_code < 500


@pytest.mark.parametrize("options", [{}, {"data_page_version": "2.0", "compression": "zstd"}])
def test_a_flipped_bit_is_not_a_server_error(client, options):
    body = write(table(40), **options)
    random = np.random.default_rng(5)
    for at in random.integers(4, len(body), 400):
        flipped = bytearray(body)
        flipped[at] ^= 1 << random.integers(8)
        assert train(client, bytes(flipped)).status_code < 500
