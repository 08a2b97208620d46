"""Compression and decompression in pieces, and damaged data."""

import gzip
import io
import zlib

import pytest
import zstandard

from service.errors import BodyTooLarge, MalformedBody
from service.formats.compression import DECOMPRESSORS, RESPONSE_ENCODINGS, Decompressor, compress
from service.formats.table import Limits

DATA = bytes(range(256)) * 4000
COMPRESS = {"gzip": gzip.compress, "x-gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstandard.compress}
LIMITS = Limits(max_buffered_bytes=1, max_decompression_ratio=100)


class Body(io.BytesIO):
    @property
    def size(self):
        return self.tell()


def decompressor(data, encoding, max_bytes=1 << 30):
    return Decompressor(Body(data), encoding, LIMITS, max_bytes)


def test_every_encoding_is_tested():
    assert COMPRESS.keys() == DECOMPRESSORS.keys()


@pytest.mark.parametrize("encoding", COMPRESS)
def test_a_body_is_decompressed_in_pieces_of_any_size(encoding):
    body = decompressor(COMPRESS[encoding](DATA), encoding)
    buffer = bytearray(1000)
    assert body.read(10) == DATA[:10]
    assert body.readinto(memoryview(buffer)) == 1000
    assert buffer == DATA[10:1010]
    assert body.read(2 * len(DATA)) == DATA[1010:]
    assert body.read(1) == b""
    assert body.size == len(COMPRESS[encoding](DATA))


@pytest.mark.parametrize("encoding", COMPRESS)
@pytest.mark.parametrize("damage", [lambda data: data[:-5], lambda data: b"x,y\n1,2\n"])
def test_damaged_data_is_refused(encoding, damage):
    with pytest.raises(MalformedBody, match=f"cannot be decompressed with Content-Encoding {encoding}"):
        decompressor(damage(COMPRESS[encoding](DATA)), encoding).read(2 * len(DATA))


def test_a_body_beyond_its_bound_is_refused():
    with pytest.raises(BodyTooLarge):
        decompressor(gzip.compress(DATA), "gzip", max_bytes=1000).read(len(DATA))


@pytest.mark.parametrize("encoding", RESPONSE_ENCODINGS)
def test_a_compressed_response_decompresses_to_its_pieces(encoding):
    pieces = [DATA[:100], b"", DATA[100:]]
    compressed = b"".join(compress(iter(pieces), encoding))
    assert decompressor(compressed, encoding).read(2 * len(DATA)) == DATA
