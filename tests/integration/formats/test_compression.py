"""Bodies and responses in every media type can be compressed."""

import gzip
import json

import numpy as np
import pytest
import table_bodies
import zstandard


@pytest.mark.parametrize("media_type", table_bodies.ALL)
@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_bodies_and_responses_can_be_compressed(client, media_type, encoding):
    compress, expand = {
        "gzip": (gzip.compress, gzip.decompress),
        "zstd": (zstandard.compress, lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data)),
    }[encoding]
    columns = {"x": np.arange(500.0).tolist(), "y": np.arange(500.0).tolist()}
    headers = {"Content-Encoding": encoding, "Accept-Encoding": encoding}
    body = compress(table_bodies.ALL[media_type](columns))
    fit = client.post("/models/small/train", data=body, content_type=media_type, headers=headers)
    assert fit.status_code == 201
    x = compress(table_bodies.ALL[media_type]({"x": columns["x"]}))
    answer = client.post("/models/small/predict", data=x, content_type=media_type, headers=headers)
    assert answer.headers["Content-Encoding"] == encoding
    assert len(json.loads(expand(answer.data))["y"]) == 500


def test_all_members_of_a_gzip_body_are_read(client):
    body = gzip.compress(b"x,y\n1,2\n") + gzip.compress(b"2,3\n3,5\n")
    answer = client.post("/train", data=body, content_type=table_bodies.CSV, headers={"Content-Encoding": "gzip"})
    assert answer.json["n"] == 3
