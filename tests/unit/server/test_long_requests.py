"""Estimates of which requests are long."""

import gzip
import zlib

import pyarrow as pa
import pytest

from service.server.worker.http_head import parse_head
from service.server.worker.long_requests import (
    LONG_BYTES,
    LONG_COMPRESSED_BYTES,
    is_long,
    is_long_decompressed,
    is_measurable,
)

CHUNKED, GZIP, JSON = "Transfer-Encoding: chunked", "Content-Encoding: gzip", "Content-Type: application/json"


def head(*fields):
    return parse_head("".join(f"{line}\r\n" for line in ("POST /train HTTP/1.1", "Host: a", *fields, "")).encode())


@pytest.mark.parametrize(
    "fields",
    [
        ["Content-Length: 1000000"],
        ["content-length:160000000", JSON],
        ["CONTENT-LENGTH: \t1234567", "Expect: 100-continue"],
        ["Content-Length: 1000000", "X-Long: " + "a" * 5000],
        [CHUNKED],
        ["Content-Type: text/csv", "transfer-encoding: chunked"],
        [CHUNKED, JSON, GZIP],
        ["Content-Length: 65536", GZIP],
        ["Content-Length: 65536", "Content-Encoding: zstd"],
    ],
)
def test_long_requests(fields):
    assert is_long(head(*fields))
    assert not is_measurable(head(*fields))


@pytest.mark.parametrize(
    "fields",
    [
        [],
        ["Content-Length: 999999"],
        ["X-Content-Length: 1000000"],
        ["Content-Length: 9", "X-About: Content-Length: 1000000"],
        ["Content-Length: 999999", "Content-Encoding: identity"],
        ["Content-Length: 65535", "Content-Encoding: br"],
        ["Content-Length: -5"],
        ["Content-Length: 65535", GZIP, "Expect: 100-continue"],
        [CHUNKED, JSON],
    ],
)
def test_other_requests(fields):
    assert not is_long(head(*fields))
    assert not is_measurable(head(*fields))


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "deflate", "zstd", "GZIP"])
def test_small_compressed_bodies_are_measurable(encoding):
    small = head(f"Content-Length: {LONG_COMPRESSED_BYTES - 1}", f"Content-Encoding: {encoding}")
    assert is_measurable(small)
    assert not is_long(small)


def members(body):
    """A gzip file of two members."""
    return gzip.compress(body[: LONG_BYTES // 2]) + gzip.compress(body[LONG_BYTES // 2 :])


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", members),
        ("deflate", zlib.compress),
        ("zstd", lambda body: pa.compress(body, "zstd", asbytes=True)),
    ],
)
def test_the_decompressed_size_decides(encoding, compress):
    assert is_long_decompressed(encoding, compress(b"a" * LONG_BYTES))
    assert is_long_decompressed(encoding, compress(b"a" * 50 * LONG_BYTES)[:-1])
    assert not is_long_decompressed(encoding, compress(b"a" * (LONG_BYTES - 1)))
    assert not is_long_decompressed(encoding, compress(b"a")[:-1])
    assert not is_long_decompressed(encoding, b"a")
