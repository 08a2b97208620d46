"""What a Parquet file's index and its pages' heads say is bounded before pyarrow takes memory for it."""

import io
import struct

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import table_bodies
from pyarrow import parquet

from service.app import create_app
from service.settings import Settings

MEGABYTE = 1 << 20
ROWS = 3000
I32, I64, BINARY, STRUCT = 5, 6, 8, 12


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    return create_app(Settings(store=str(tmp_path_factory.mktemp("claims") / "models"))).test_client()


def train(client, body, query=""):
    return client.post(f"/train{query}", data=body, content_type=table_bodies.PARQUET)


def table(rows=ROWS):
    numbers = np.random.default_rng(3).normal(size=rows)
    return pa.table({"x": numbers, "few": np.round(numbers), "y": 3 * numbers + 1})


def written(columns, **options):
    sink = io.BytesIO()
    parquet.write_table(columns, sink, **options)
    return sink.getvalue()


def varint(number):
    start = b""
    while number > 127:
        start += bytes([number & 127 | 128])
        number >>= 7
    return start + bytes([number])


def structure(*fields):
    """Thrift's compact form of fields (number, kind, value), which are in their order."""
    body, before = b"", 0
    for number, kind, value in fields:
        body += bytes([number - before << 4 | kind]) + FORMS.get(kind, bytes)(value)
        before = number
    return body + b"\0"


def signed(number):
    return varint(2 * number if number >= 0 else -2 * number - 1)


def text(value):
    return varint(len(value)) + value


FORMS = {I32: signed, I64: signed, BINARY: text}


def listed(kind, items, count=None):
    return bytes([0xF0 | kind]) + varint(len(items) if count is None else count) + b"".join(items)


def page(inflated, data, values):
    held = structure((1, I32, values), (2, I32, 0), (3, I32, 3), (4, I32, 3))
    return structure((1, I32, 0), (2, I32, inflated), (3, I32, len(data)), (5, STRUCT, held)) + data


def chunk(name, start, size, values):
    encodings = listed(I32, [varint(0)])
    path = listed(BINARY, [text(name)])
    sizes = ((6, I64, 8 * values), (7, I64, size), (9, I64, start))
    about = structure((1, I32, 5), (2, 9, encodings), (3, 9, path), (4, I32, 6), (5, I64, values), *sizes)
    return structure((2, I64, start), (3, STRUCT, about))


def schema(*names):
    leaves = [structure((1, I32, 5), (3, I32, 0), (4, BINARY, name)) for name in names]
    return [structure((4, BINARY, b"schema"), (5, I32, len(names))), *leaves]


def file(pages, index):
    return b"PAR1" + pages + index + struct.pack("<I", len(index)) + b"PAR1"


def forged(first, values=1000, *, both_there=False, more=()):
    """A file of x and y, each of one page, of which x's is `first`; or both columns are where x is. Its index may have
    more fields."""
    last = page(8 * values, pa.compress(bytes(8 * values), "zstd", asbytes=True), values)
    start = 4 if both_there else 4 + len(first)
    chunks = [chunk(b"x", 4, len(first), values), chunk(b"y", start, len(last), values)]
    group = structure((1, 9, listed(STRUCT, chunks)), (2, I64, 16 * values), (3, I64, values))
    groups = listed(STRUCT, [group])
    index = structure((1, I32, 1), (2, 9, listed(STRUCT, schema(b"x", b"y"))), (3, I64, values), (4, 9, groups), *more)
    return file(first + last, index)


def honest(*more):
    numbers = np.arange(1000.0).tobytes()
    return forged(page(8000, pa.compress(numbers, "zstd", asbytes=True), 1000), more=more)


def refusal(client, body, monkeypatch):
    """The answer, which came before pyarrow was asked for a row."""
    with monkeypatch.context() as patched:
        patched.setattr(parquet.ParquetFile, "iter_batches", lambda *_, **__: pytest.fail("pyarrow reads the pages"))
        answer = train(client, body)
    assert answer.content_type == "application/problem+json"
    return answer.status_code, answer.json["detail"]


def test_the_forged_file_is_one_that_is_read_if_it_tells_the_truth(client):
    assert parquet.read_table(io.BytesIO(honest()))["x"].to_pylist() == list(range(1000))
    assert train(client, honest()).json["n"] == 1000


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (1, b""),
        (3, b"\7"),
        (4, b"\xff\1"),
        (7, bytes(8)),
        (BINARY, text(b"\0" * 300)),
        (9, listed(1, [b"\1", b"\2"])),
        (9, listed(7, [bytes(8)] * 20)),
        (9, b"\0"),
        (10, listed(I64, [signed(-(2**40))] * 20)),
        (STRUCT, b"\x05\xd0\x0f\x02" + structure((3, STRUCT, structure((2, BINARY, b"text"))))),
    ],
)
def test_fields_that_nobody_knows_are_passed_over(client, kind, value):
    body = honest((15, kind, value))
    assert parquet.read_table(io.BytesIO(body)).num_rows == 1000
    assert train(client, body).json["n"] == 1000


@pytest.mark.parametrize(
    "more",
    [
        (15, 3, b"\7\x09\x08" + listed(STRUCT, [])),  # the row groups again
        (15, 3, b"\7\x0c\xfe\xff\x07\0"),  # a field past those that have a number
        (15, 4, b"\xff" * 20),
        (15, 11, b"\0"),
        (15, 13, bytes(16)),
        (15, STRUCT, b"\x1c" * 5000),
        (15, STRUCT, b"\x18\xff\xff\x7f"),
    ],
)
def test_an_index_that_could_be_understood_in_two_ways_is_refused(client, monkeypatch, more):
    assert refusal(client, honest(more), monkeypatch)[0] == 400


@pytest.mark.parametrize("start", [-4, 2**40])
def test_a_column_outside_of_the_file_is_refused(client, monkeypatch, start):
    own, other = (structure((9, I64, place))[1:-1] for place in (4, start))
    index = honest().rindex(b"\x26" + own)
    body = bytearray(honest())
    body[index + 1 : index + 2] = other
    body[-8:-4] = struct.pack("<I", int.from_bytes(body[-8:-4], "little") + len(other) - 1)
    assert refusal(client, bytes(body), monkeypatch)[0] == 400


def test_a_very_large_index_is_refused(client):
    index = bytes(65 * MEGABYTE)
    answer = train(client, file(b"", index))
    assert (answer.status_code, "in its index" in answer.json["detail"]) == (413, True)


def test_a_page_that_inflates_to_more_than_a_batch_is_refused(client, monkeypatch):
    body = forged(page(65 * MEGABYTE, pa.compress(bytes(65 * MEGABYTE), "zstd", asbytes=True), 1000))
    assert len(body) < MEGABYTE
    status, detail = refusal(client, body, monkeypatch)
    assert (status, "in a page" in detail) == (413, True)


def test_pages_that_inflate_too_far_in_sum_are_refused(client, monkeypatch):
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
        structure((1, I32, 0), (2, I32, 8000), (3, I32, 0), (5, STRUCT, 2000 * b"\x1c")),
        b"\x15\0\x15\2\x05\4\x15\2",
        b"\x15" + 100 * b"\xff",
    ],
)
def test_the_head_of_a_page_that_cannot_be_is_refused(client, monkeypatch, first):
    status, detail = refusal(client, forged(first), monkeypatch)
    assert (status, "Parquet" in detail) == (400, True)


def test_columns_in_the_same_place_are_refused(client, monkeypatch):
    status, detail = refusal(client, forged(page(8000, bytes(8000), 1000), both_there=True), monkeypatch)
    assert (status, "overlap" in detail) == (400, True)


@pytest.mark.parametrize("kind", [STRUCT, 3, I32])
@pytest.mark.parametrize("which", ["schema", "groups", "columns"])
def test_a_list_that_says_it_is_long_is_refused_before_it_is_read(client, which, kind):
    endless = listed(kind, [], 1_000_000)
    groups = listed(STRUCT, [b"\x19" + endless]) if which == "columns" else endless
    names = endless if which == "schema" else listed(STRUCT, schema(b"x", b"y"))
    before = pa.default_memory_pool().max_memory()
    answer = train(client, file(b"", b"\x15\2\x19" + names + b"\x16\2\x19" + groups))
    assert answer.status_code == 400
    assert pa.default_memory_pool().max_memory() == before


def test_an_index_of_very_many_columns_is_refused(client):
    groups = listed(STRUCT, [structure((1, 9, listed(STRUCT, 20_000 * [structure((2, I64, 4))])))])
    index = structure((1, I32, 1), (2, 9, listed(STRUCT, schema(b"x", b"y"))), (3, I64, 1), (4, 9, groups))
    answer = train(client, file(b"", index))
    assert (answer.status_code, "damaged" in answer.json["detail"]) == (400, True)


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd", "gzip", "brotli", "lz4"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("dictionary", [True, False])
def test_ordinary_files_are_read(client, compression, version, dictionary):
    options = {"compression": compression, "data_page_version": version, "use_dictionary": dictionary}
    body = written(table(), row_group_size=1100, data_page_size=2000, **options)
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
def test_files_with_all_that_an_index_may_hold_are_read(client, options):
    assert train(client, written(table(), **options)).json["n"] == ROWS


def test_a_file_on_the_disk_is_read(client):
    body = written(table(200_000))
    assert len(body) > 2 * MEGABYTE
    assert train(client, body).json["n"] == 200_000


def test_files_of_pandas_are_read(client):
    frame = table().to_pandas()
    frame["whole"] = pd.array([None, *range(ROWS - 1)], dtype="Int64")
    frame.index = pd.RangeIndex(5, ROWS + 5, name="row")
    sink = io.BytesIO()
    frame.to_parquet(sink)
    assert train(client, sink.getvalue(), "?missing=drop").json["n"] == ROWS - 1


def test_only_the_columns_that_are_read_are_looked_at(client):
    body = written(pa.table({"x": np.arange(9.0), "x.1": np.arange(9.0), "y": np.arange(9.0)}), use_dictionary=False)
    at = parquet.ParquetFile(io.BytesIO(body)).metadata.row_group(0).column(1).data_page_offset
    broken = body[:at] + b"\xff" + body[at + 1 :]
    assert train(client, broken, "?x=x").json["n"] == 9
    assert train(client, broken).status_code == 400


def test_nested_columns_are_refused_though_their_number_is_right(client):
    pair = pa.array([{"p": 1.0, "q": 2.0}] * 3)
    body = written(pa.table({"pair": pair, "x": [1.0, 2, 3], "y": [1.0, 2, 4]}))
    assert "nested" in train(client, body, "?x=x").json["detail"]


def test_an_empty_table_is_refused_as_ever(client):
    assert 400 <= train(client, written(table(0))).status_code < 500


@pytest.mark.parametrize("options", [{}, {"data_page_version": "2.0", "compression": "zstd"}])
def test_a_flipped_byte_is_no_fault_of_ours(client, options):
    body = written(table(40), **options)
    random = np.random.default_rng(5)
    for at in random.integers(4, len(body), 400):
        flipped = bytearray(body)
        flipped[at] ^= 1 << random.integers(8)
        assert train(client, bytes(flipped)).status_code < 500
