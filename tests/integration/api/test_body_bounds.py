"""Hostile bodies are refused at once, within the limits of memory."""

import gzip
import io
import resource
import struct
import time
from functools import cache

import numpy as np
import pyarrow as pa
import pytest
import table_bodies
import zstandard
from pyarrow import parquet

from service.app import create_app
from service.settings import Settings

MEGABYTE = 1 << 20
SECONDS = 60
"""Far above the expected second, since no test depends on the speed of the machine."""


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    store = tmp_path_factory.mktemp("bounds") / "models"
    bounds = {"max_body_bytes": 64 * MEGABYTE, "max_stream_bytes": 64 * MEGABYTE}
    return create_app(Settings(store=str(store), log_min_duration_ms=10_000, **bounds)).test_client()


def refused(client, body, media_type, encoding="identity"):
    """Return the response, which takes little time and memory."""
    before, started = _peak(), time.monotonic()
    answer = client.post("/train", data=body, content_type=media_type, headers={"Content-Encoding": encoding})
    assert time.monotonic() - started < SECONDS
    assert _peak() - before < 200 * MEGABYTE
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.content_type == "application/problem+json"
    return answer


def _peak():
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@cache
def bomb(encoding, start, text):
    """Return a small body that decompresses to 200 MB."""
    compress = {"gzip": lambda data: gzip.compress(data, 1), "zstd": zstandard.compress}[encoding]
    return compress(start + text * (200 * MEGABYTE // len(text)))


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
@pytest.mark.parametrize(
    ("media_type", "start", "text"),
    [
        (table_bodies.JSON, b" ", b" "),
        (table_bodies.CSV, b"x,y\n", b"1,2\n"),
        (table_bodies.CSV, b"x,y\n", b" "),
        (table_bodies.NDJSON, b"", b'{"x": 1, "y": 2}\n'),
        (table_bodies.ARROW, b"", b"\0"),
        (table_bodies.ARROW, b"", b"\xff"),
        (table_bodies.PARQUET, b"", b"\0"),
        (table_bodies.NPY, b"", b"\0"),
    ],
)
def test_a_decompression_bomb_is_refused(client, media_type, start, text, encoding):
    answer = refused(client, bomb(encoding, start, text), media_type, encoding)
    if answer.status_code == 413:
        assert "decompresses" in answer.json["detail"]


def test_a_body_that_is_not_of_its_content_encoding_is_refused(client):
    for encoding in ("gzip", "zstd"):
        assert "cannot be decompressed" in refused(client, b"x,y\n1,2\n", table_bodies.CSV, encoding).json["detail"]
        whole = {"gzip": gzip.compress, "zstd": zstandard.compress}[encoding](b"x,y\n" + b"1,2\n" * 10_000)
        assert "cannot be decompressed" in refused(client, whole[:-9], table_bodies.CSV, encoding).json["detail"]


@pytest.mark.parametrize("rows", [0, 3])
def test_a_csv_of_many_columns_is_refused(client, rows):
    header = ",".join(f"c{i}" for i in range(100_000)) + ",y\n"
    answer = refused(client, header + rows * ("1," * 100_000 + "1\n"), table_bodies.CSV)
    assert "DESCENT_MAX_COLUMNS" in answer.json["detail"]


def test_a_few_of_many_columns_can_be_selected(client):
    names = [f"c{i}" for i in range(2_000)]
    body = ",".join([*names, "y"]) + "\n" + "".join(f"{i}," * 2_000 + f"{i}\n" for i in range(5))
    answer = client.post("/train?x=c7", data=body, content_type=table_bodies.CSV)
    assert answer.status_code == 201


def _arrow(**changes):
    """Return an Arrow stream with some of its numbers replaced."""
    body = table_bodies.as_arrow({"x": np.arange(1000.0), "y": np.arange(1000.0)}, rows_per_batch=1000)
    for old, new in changes.values():
        assert old in body
        body = body.replace(old, new)
    return body


@pytest.mark.parametrize(
    "body",
    [
        _arrow(rows=(struct.pack("<q", 1000), struct.pack("<q", 2**61))),
        _arrow(rows=(struct.pack("<q", 1000), struct.pack("<q", 1001))),
        _arrow(rows=(struct.pack("<q", 1000), struct.pack("<q", -5))),
        _arrow(length=(struct.pack("<q", 8000), struct.pack("<q", 2**50))),
        _arrow(body=(struct.pack("<q", 16000), struct.pack("<q", 2**50))),
        _arrow(body=(struct.pack("<q", 16000), struct.pack("<q", 20000))),
        _arrow(body=(struct.pack("<q", 16000), struct.pack("<q", -1))),
        b"\xff\xff\xff\xff" + struct.pack("<i", 2**31 - 1) + _arrow()[8:],
        b"\xff\xff\xff\xff" + struct.pack("<i", -2) + _arrow()[8:],
        b"\xff\xff\xff\xff" + struct.pack("<i", 4) + b"\xff\xff\xff\xff" + _arrow()[8:],
    ],
)
def test_an_arrow_stream_with_an_inconsistent_header_is_refused(client, body):
    refused(client, body, table_bodies.ARROW)


def test_an_arrow_batch_over_the_decompression_limit_is_refused(client):
    zeros = np.zeros(16 * MEGABYTE)
    body = table_bodies.as_arrow({"x": zeros, "y": zeros}, rows_per_batch=len(zeros), compression="zstd")
    assert len(body) < MEGABYTE
    assert "decompresses" in refused(client, body, table_bodies.ARROW).json["detail"]


@pytest.mark.parametrize("call", ["/train?missing=drop", "/models/nulls/predict?missing=drop&x=x"])
def test_very_many_arrow_rows_of_nulls_are_refused(client, call):
    client.post("/models/nulls/train", json={"x": {"x": [1, 2]}, "y": [1, 2]})
    body = table_bodies.as_arrow({"x": pa.nulls(1000), "y": pa.nulls(1000)}, rows_per_batch=1000)
    old, new = struct.pack("<q", 1000), struct.pack("<q", 2**62)
    assert body.count(old) == 5  # the batch's length, and its columns' lengths and nulls
    answer = client.post(call, data=body.replace(old, new), content_type=table_bodies.ARROW)
    assert (answer.status_code, "decompresses" in answer.json["detail"]) == (413, True)


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_the_decompression_limit_applies_to_the_sum_of_arrow_batches(client, compression):
    zeros = np.zeros(MEGABYTE)
    columns = {"x": zeros, "y": zeros}
    assert _train(client, table_bodies.as_arrow(columns, len(zeros), compression=compression)).status_code == 201
    body = table_bodies.as_arrow({name: np.tile(zeros, 6) for name in columns}, len(zeros), compression=compression)
    assert "decompresses" in refused(client, body, table_bodies.ARROW).json["detail"]


def test_arrow_buffers_with_the_experimental_compression_are_refused(client):
    packed = struct.pack("<q", 512 * MEGABYTE) + 512 * zstandard.compress(bytes(MEGABYTE))
    packed = pa.py_buffer(packed + bytes(-len(packed) % 8))
    column = pa.Array.from_buffers(pa.float64(), packed.size // 8, [None, packed])
    batch, sink = pa.record_batch({"x": column, "y": column}), io.BytesIO()
    old = pa.ipc.IpcWriteOptions(metadata_version=pa.ipc.MetadataVersion.V4)
    with pa.ipc.new_stream(sink, batch.schema, options=old) as writer:
        writer.write_batch(batch, custom_metadata={"ARROW:experimental_compression": "zstd"})
    refused(client, sink.getvalue(), table_bodies.ARROW)


def test_arrow_streams_of_metadata_version_4_are_accepted(client):
    body = table_bodies.as_arrow({"x": [1.0, 2.0], "y": [1.0, 2.0]}, metadata_version=pa.ipc.MetadataVersion.V4)
    assert _train(client, body).status_code == 201


def test_the_decompression_limit_depends_on_the_bytes_received(client):
    batch = np.zeros(1 << 16)
    batch[:1024] = np.random.default_rng(3).normal(size=1024)
    column = np.tile(batch, 20)
    body = table_bodies.as_arrow({"x": column, "y": column}, len(batch), compression="lz4")
    assert 16 * MEGABYTE < 16 * len(column) < 100 * len(body)
    assert _train(client, body).status_code == 201
    assert "decompresses" in refused(client, zstandard.compress(body), table_bodies.ARROW, "zstd").json["detail"]


@pytest.mark.parametrize("kind", [np.int8, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_large_arrow_streams_of_any_number_type_are_accepted(client, kind, compression):
    numbers = np.random.default_rng(3).integers(-100, 100, (2, 2 * MEGABYTE)).astype(kind)
    body = table_bodies.as_arrow({"x": numbers[0], "y": numbers[1]}, rows_per_batch=1 << 16, compression=compression)
    assert _train(client, body).json["n"] == 2 * MEGABYTE


def _train(client, body):
    return client.post("/train", data=body, content_type=table_bodies.ARROW)


@pytest.mark.parametrize(("columns", "x", "status"), [("a", "a", 200), ("ab", "a", 413), ("ab", "y", 200)])
def test_the_dictionaries_that_are_held_are_limited(client, columns, x, status):
    client.post("/models/level/train", json={"x": {x: [1, 2]}, "y": [1, 2]})
    sink = io.BytesIO()
    schema = pa.schema({"y": pa.float64()} | dict.fromkeys(columns, pa.dictionary(pa.int32(), pa.int8())))
    with pa.ipc.new_stream(sink, schema) as writer:
        for batch in range(3):  # the dictionary of a column replaces its previous one
            values = pa.array(np.full(5 * MEGABYTE, batch, np.int8))
            column = pa.DictionaryArray.from_arrays(pa.array([batch], pa.int32()), values)
            writer.write_batch(pa.record_batch({"y": [1.0]} | dict.fromkeys(columns, column), schema=schema))
    answer = client.post("/models/level/predict", data=sink.getvalue(), content_type=table_bodies.ARROW)
    assert (answer.status_code, "in its dictionaries" in answer.text) == (status, status == 413)


def test_decoding_a_dictionary_in_every_batch_counts_towards_the_decompression_limit(client):
    values = pa.array(np.arange(float(MEGABYTE)))
    column = pa.DictionaryArray.from_arrays(pa.array(np.arange(1000)), values)
    body = table_bodies.as_arrow({"x": column, "y": np.arange(1000.0)}, rows_per_batch=1)
    assert "decompresses" in refused(client, body, table_bodies.ARROW).json["detail"]
    assert _train(client, table_bodies.as_arrow({"x": column, "y": np.arange(1000.0)}, rows_per_batch=1000)).json["n"]


@pytest.mark.parametrize("keep", [0, 4, 100, 5000, -1])
def test_a_parquet_file_cut_short_is_refused(client, keep):
    whole = table_bodies.as_parquet({"x": np.arange(5000.0), "y": np.arange(5000.0)})
    assert "Parquet" in refused(client, whole[:keep], table_bodies.PARQUET).json["detail"]


def test_a_parquet_file_of_very_many_equal_rows_is_refused(client):
    sink = io.BytesIO()
    zeros = pa.table({"x": np.zeros(20 * MEGABYTE), "y": np.zeros(20 * MEGABYTE)})
    parquet.write_table(zeros, sink, compression="zstd")
    assert len(sink.getvalue()) < MEGABYTE
    assert refused(client, sink.getvalue(), table_bodies.PARQUET).status_code == 413


def test_a_parquet_file_is_refused_for_the_rows_of_its_groups(client):
    sink, zeros = io.BytesIO(), np.zeros(1 << 24)
    parquet.write_table(pa.table({"x": zeros, "y": zeros}), sink, row_group_size=len(zeros), store_schema=False)
    body = bytearray(sink.getvalue())
    index = len(body) - 8 - int.from_bytes(body[-8:-4], "little")
    at = body.index(b"\x80\x80\x80\x10", index)  # 1 << 24, as Thrift writes it
    body[at + 3] = 1
    assert parquet.ParquetFile(io.BytesIO(body)).metadata.num_rows == 1 << 20
    assert refused(client, bytes(body), table_bodies.PARQUET).status_code == 413


@pytest.mark.parametrize(("order", "shape"), [("C", (10**12, 2)), ("F", (10**12, 2)), ("C", (2, 10**9))])
def test_a_npy_header_of_a_larger_array_is_refused(client, order, shape):
    header = io.BytesIO()
    described = {"descr": "<f8", "fortran_order": order == "F", "shape": shape}
    np.lib.format.write_array_header_1_0(header, described)
    refused(client, header.getvalue() + bytes(1000), table_bodies.NPY)


@pytest.mark.parametrize("text", [b"-" * 9000, b"1+" * 4000 + b"1", b"(" * 9000])
def test_a_npy_header_that_is_nested_too_deeply_is_refused(client, text):
    answer = refused(client, b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text, table_bodies.NPY)
    assert "not a .npy file" in answer.json["detail"]


def test_bytes_after_the_data_are_refused(client):
    for media_type in (table_bodies.ARROW, table_bodies.NPY):
        body = table_bodies.ALL[media_type]({"x": [1.0, 2.0], "y": [1.0, 2.0]})
        assert "goes on" in refused(client, body + b"x", media_type).json["detail"]


def test_rows_over_the_memory_limit_of_autograd_are_refused(tmp_path):
    client = create_app(
        Settings(store=str(tmp_path), max_body_bytes=MEGABYTE, log_min_duration_ms=10_000)
    ).test_client()
    body = table_bodies.as_npy({"x": np.arange(1e5), "y": np.arange(1e5)})
    assert client.post("/train?method=autograd", data=body, content_type=table_bodies.NPY).status_code == 413
    assert client.post("/train", data=body, content_type=table_bodies.NPY).status_code == 201
