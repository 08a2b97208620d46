"""Arrow's stream and file formats, and bodies that are neither."""

import gzip
import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import table_bodies
from pyarrow import feather, ipc

TYPES = [table_bodies.ARROW, table_bodies.ARROW_FILE]
FEATHER_1 = b"FEA1" + bytes(60) + b"FEA1"


def train(client, body, media_type=table_bodies.ARROW_FILE, query=""):
    return client.post(f"/models/arrow/train{query}", data=body, content_type=media_type)


@pytest.mark.parametrize("media_type", TYPES)
@pytest.mark.parametrize("write", [table_bodies.as_arrow, table_bodies.as_arrow_file])
def test_both_formats_are_read_under_both_media_types(client, media_type, write):
    expected = table_bodies.send(client, table_bodies.CSV, table_bodies.PLANE, "/models/arrow/train").json
    answer = train(client, write(table_bodies.PLANE), media_type)
    assert (answer.json["w"], answer.json["n"]) == (expected["w"], 5)


@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
def test_feather_files_of_pandas_are_read(client, compression):
    sink = io.BytesIO()
    pd.DataFrame(table_bodies.PLANE).to_feather(sink, compression=compression)
    assert train(client, sink.getvalue()).json["n"] == 5


def test_predictions_as_a_file_are_read_by_pandas(client):
    train(client, table_bodies.as_arrow_file(table_bodies.PLANE))
    sent = table_bodies.as_arrow_file(table_bodies.PLANE)
    headers = {"Accept": table_bodies.ARROW_FILE}
    answer = client.post("/models/arrow/predict", data=sent, content_type=table_bodies.ARROW_FILE, headers=headers)
    assert answer.content_type == table_bodies.ARROW_FILE
    expected = client.post("/models/arrow/predict", data=sent, content_type=table_bodies.ARROW_FILE).json["y"]
    assert feather.read_feather(io.BytesIO(answer.data))["y"].tolist() == expected


def test_a_file_that_is_cut_short_is_refused(client):
    body = table_bodies.as_arrow_file(table_bodies.PLANE)
    for end in range(9, len(body)):
        assert train(client, body[:end]).status_code == 400
    assert "footer" in train(client, body[:-1]).json["detail"]


def test_a_large_file_is_read_in_batches(client):
    numbers = np.random.default_rng(3).normal(size=300_000)
    body = table_bodies.as_arrow_file({"x": numbers, "y": 2 * numbers}, rows_per_batch=200_000)
    assert train(client, body).json["n"] == 300_000


@pytest.mark.parametrize("media_type", [*TYPES, table_bodies.PARQUET, table_bodies.NPY])
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "empty"),
        (b"x,y\n1,2\n", "looks like text. Send Content-Type: text/csv"),
        (b"\xef\xbb\xbfx;y\n1;2\n", "looks like text"),
        (b'{"x": [1], "y": [2]}', "looks like JSON. Send Content-Type: application/json"),
        (b'\n[{"x": 1}]', "looks like JSON"),
        (gzip.compress(b"x,y\n"), "looks like gzip data. Send Content-Encoding: gzip"),
        (pa.compress(b"x,y\n", "zstd", asbytes=True), "looks like zstd data. Send Content-Encoding: zstd"),
        (b"PK\3\4\x14\0\6\0", "looks like a zip archive, such as an Excel file. Send a table saved as CSV"),
        (FEATHER_1, "looks like a Feather file of version 1. Send version 2"),
        (b"\x80\4\x95\0", "looks like a Python pickle"),
        (b"\0\xfe\xff\xff\1\2", "begins with the bytes 00 fe ff ff 01 02"),
    ],
)
def test_other_bytes_are_refused_with_what_they_look_like(client, media_type, body, message):
    answer = train(client, body, media_type)
    assert (answer.status_code, message in answer.json["detail"]) == (400, True), answer.text


@pytest.mark.parametrize("media_type", [*TYPES, table_bodies.PARQUET, table_bodies.NPY])
def test_another_binary_format_is_refused_with_its_media_type(client, media_type):
    for other in {*table_bodies.COLUMNAR, table_bodies.NPY} - {media_type}:
        answer = train(client, table_bodies.ALL[other](table_bodies.PLANE), media_type)
        if {media_type, other} == set(TYPES):
            assert answer.status_code == 201
        else:
            assert (answer.status_code, f"Content-Type: {other}" in answer.json["detail"]) == (400, True)


@pytest.mark.parametrize("new", [ipc.new_stream, ipc.new_file])
@pytest.mark.parametrize("deltas", [False, True])
def test_dictionaries_of_each_batch_are_decoded(client, new, deltas):
    batches = [pa.array([3.0, 1.0, None]), pa.array([3.0, 1.0, 7.5])]
    if deltas:
        batches = [pa.DictionaryArray.from_arrays([0, 1, None], [3.0, 1.0]), pa.array([3.0, 1.0, 7.5])]
    columns = [each if isinstance(each, pa.DictionaryArray) else each.dictionary_encode() for each in batches]
    columns = [column.cast(pa.dictionary(pa.int32(), pa.float64())) for column in columns]
    schema, sink = pa.schema({"x": columns[0].type, "y": pa.float64()}), io.BytesIO()
    options = ipc.IpcWriteOptions(emit_dictionary_deltas=deltas)
    if not deltas and new is ipc.new_file:
        columns[1] = pa.DictionaryArray.from_arrays(pa.array([0, 1, 1], pa.int32()), columns[0].dictionary)
    with new(sink, schema, options=options) as writer:
        for column in columns:
            writer.write_batch(pa.record_batch({"x": column, "y": [1.0, 2.0, 4.0]}, schema=schema))
    values = [value for column in columns for value in column.to_pylist()]
    expected = client.post(
        "/models/arrow/train", json={"x": {"x": values}, "y": [1, 2, 4, 1, 2, 4], "missing": "drop"}
    ).json
    assert train(client, sink.getvalue(), query="?missing=drop").json["w"] == expected["w"]


@pytest.mark.parametrize("media_type", [table_bodies.ARROW, table_bodies.ARROW_FILE])  # pyarrow writes no such Parquet
def test_an_index_outside_of_a_dictionary_is_refused(client, media_type):
    indices = pa.array([0, 1, 99], pa.int32())
    column = pa.DictionaryArray.from_arrays(indices, pa.array([1.0, 2.0]), safe=False)
    texts = pa.DictionaryArray.from_arrays(indices, pa.array(["a", "b"]), safe=False)
    body = table_bodies.ALL[media_type]({"x": column, "text": texts, "y": [1.0, 2.0, 3.0]})
    assert train(client, body, media_type, "?x=x").status_code == 400
    answer = client.post("/models:train?group=text&x=y&y=y", data=body, content_type=media_type)
    assert answer.status_code in (400, 415, 422)
