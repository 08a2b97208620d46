"""Sizes and offsets in a Parquet index and in page headers are checked before pyarrow allocates memory by them."""

import io
import struct

import pyarrow as pa
import pytest
import table_bodies
from forged_parquet import (
    BINARY,
    I32,
    I64,
    STRUCT,
    file,
    forged,
    page,
    schema,
    signed,
    structure,
    text,
    thrift_list,
    valid,
)
from pyarrow import parquet

MEGABYTE = 1 << 20


def train(client, body, query=""):
    return client.post(f"/train{query}", data=body, content_type=table_bodies.PARQUET)


def refusal(client, body, monkeypatch):
    """Return the status and the detail of a refusal that comes before pyarrow reads a page."""
    with monkeypatch.context() as patched:
        patched.setattr(parquet.ParquetFile, "iter_batches", lambda *_, **__: pytest.fail("pyarrow reads the pages"))
        answer = train(client, body)
    assert answer.content_type == "application/problem+json"
    return answer.status_code, answer.json["detail"]


def test_a_forged_file_with_correct_sizes_is_read(client):
    assert parquet.read_table(io.BytesIO(valid()))["x"].to_pylist() == list(range(1000))
    assert train(client, valid()).json["n"] == 1000


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (1, b""),
        (3, b"\7"),
        (4, b"\xff\1"),
        (7, bytes(8)),
        (BINARY, text(b"\0" * 300)),
        (9, thrift_list(1, [b"\1", b"\2"])),
        (9, thrift_list(7, [bytes(8)] * 20)),
        (9, b"\0"),
        (10, thrift_list(I64, [signed(-(2**40))] * 20)),
        (
            STRUCT,
            b"\x05\xd0\x0f\x02" + structure((3, STRUCT, structure((2, BINARY, b"text")))),
        ),
    ],
)
def test_unknown_fields_are_skipped(client, kind, value):
    body = valid((15, kind, value))
    assert parquet.read_table(io.BytesIO(body)).num_rows == 1000
    assert train(client, body).json["n"] == 1000


@pytest.mark.parametrize(
    "more",
    [
        (15, 3, b"\7\x09\x08" + thrift_list(STRUCT, [])),  # the row groups again
        (15, 3, b"\7\x0c\xfe\xff\x07\0"),  # a field past those that have a number
        (15, 4, b"\xff" * 20),
        (15, 11, b"\0"),
        (15, 13, bytes(16)),
        (15, STRUCT, b"\x1c" * 5000),
        (15, STRUCT, b"\x18\xff\xff\x7f"),
    ],
)
def test_an_ambiguous_index_is_refused(client, monkeypatch, more):
    assert refusal(client, valid(more), monkeypatch)[0] == 400


@pytest.mark.parametrize("start", [-4, 2**40])
def test_a_column_outside_of_the_file_is_refused(client, monkeypatch, start):
    own, other = (structure((9, I64, place))[1:-1] for place in (4, start))
    index = valid().rindex(b"\x26" + own)
    body = bytearray(valid())
    body[index + 1 : index + 2] = other
    body[-8:-4] = struct.pack("<I", int.from_bytes(body[-8:-4], "little") + len(other) - 1)
    assert refusal(client, bytes(body), monkeypatch)[0] == 400


def test_a_very_large_index_is_refused(client):
    index = bytes(65 * MEGABYTE)
    answer = train(client, file(b"", index))
    assert (answer.status_code, "in its index" in answer.json["detail"]) == (413, True)


def test_a_page_larger_than_a_batch_is_refused(client, monkeypatch):
    body = forged(page(65 * MEGABYTE, pa.compress(bytes(65 * MEGABYTE), "zstd", asbytes=True), 1000))
    assert len(body) < MEGABYTE
    status, detail = refusal(client, body, monkeypatch)
    assert (status, "in a page" in detail) == (413, True)


def test_pages_beyond_the_decompression_budget_are_refused(client, monkeypatch):
    one = page(17 * MEGABYTE, pa.compress(bytes(17 * MEGABYTE), "zstd", asbytes=True), 1000)
    assert refusal(client, forged(one), monkeypatch)[0] == 413
    one = page(6 * MEGABYTE, pa.compress(bytes(6 * MEGABYTE), "zstd", asbytes=True), 333)
    status, detail = refusal(client, forged(3 * one), monkeypatch)
    assert (status, "decompresses" in detail) == (413, True)


@pytest.mark.parametrize(
    "first",
    [
        page(-1, b"", 1000),
        page(8000, b"", -1000),
        structure((1, I32, 0), (2, I32, 8000), (3, I32, 2**30)),
        structure((1, I32, 0), (2, I32, 8000), (3, I32, -5)),
        structure((1, I32, 0), (2, I64, 8000), (3, I32, 0)),
        structure((1, I32, 0), (2, I32, 8000), (3, I32, 0)),
        structure((1, I32, 3), (2, I32, 8000), (3, I32, 0)),
        structure(
            (1, I32, 0),
            (2, I32, 8000),
            (3, I32, 0),
            (5, STRUCT, 2000 * b"\x1c"),
        ),
        b"\x15\0\x15\2\x05\4\x15\2",
        b"\x15" + 100 * b"\xff",
    ],
)
def test_an_impossible_page_header_is_refused(client, monkeypatch, first):
    status, detail = refusal(client, forged(first), monkeypatch)
    assert (status, "Parquet" in detail) == (400, True)


def test_overlapping_columns_are_refused(client, monkeypatch):
    status, detail = refusal(client, forged(page(8000, bytes(8000), 1000), is_shared=True), monkeypatch)
    assert (status, "overlap" in detail) == (400, True)


@pytest.mark.parametrize("kind", [STRUCT, 3, I32])
@pytest.mark.parametrize("which", ["schema", "groups", "columns"])
def test_a_list_with_a_false_length_is_refused_without_allocating_memory(client, which, kind):
    endless = thrift_list(kind, [], 1_000_000)
    groups = thrift_list(STRUCT, [b"\x19" + endless]) if which == "columns" else endless
    names = endless if which == "schema" else thrift_list(STRUCT, schema(b"x", b"y"))
    before = pa.default_memory_pool().max_memory()
    answer = train(client, file(b"", b"\x15\2\x19" + names + b"\x16\2\x19" + groups))
    assert answer.status_code == 400
    assert pa.default_memory_pool().max_memory() == before


def test_columns_without_metadata_are_refused(client):
    groups = thrift_list(
        STRUCT,
        [
            structure(
                (
                    1,
                    9,
                    thrift_list(STRUCT, 20_000 * [structure((2, I64, 4))]),
                )
            )
        ],
    )
    index = structure(
        (1, I32, 1),
        (2, 9, thrift_list(STRUCT, schema(b"x", b"y"))),
        (3, I64, 1),
        (4, 9, groups),
    )
    answer = train(client, file(b"", index))
    assert (answer.status_code, "damaged" in answer.json["detail"]) == (400, True)
