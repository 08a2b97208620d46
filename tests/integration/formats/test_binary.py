"""Damaged binary bodies, and a table without columns."""

import io

import numpy as np
import pyarrow as pa
import pytest
import table_bodies


@pytest.mark.parametrize("media_type", [table_bodies.ARROW, table_bodies.PARQUET, table_bodies.NPY])
def test_a_truncated_body_is_refused(client, media_type):
    body = table_bodies.ALL[media_type](table_bodies.PLANE)
    for end in range(0, len(body) - (12 if media_type == table_bodies.ARROW else 1), max(1, len(body) // 60)):
        answer = client.post("/train", data=body[:end], content_type=media_type)
        assert answer.status_code in (400, 422), (end, answer.text)
        assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("media_type", [table_bodies.ARROW, table_bodies.PARQUET, table_bodies.NPY])
def test_a_flipped_bit_gives_a_model_or_a_refusal(client, media_type):
    body = table_bodies.ALL[media_type](table_bodies.PLANE)
    random = np.random.default_rng(5)
    for at in random.integers(0, len(body), 150):
        damaged = bytearray(body)
        damaged[at] ^= 1 << int(random.integers(8))
        answer = client.post("/train", data=bytes(damaged), content_type=media_type)
        assert answer.status_code in (201, 400, 413, 422), (at, answer.text)


def test_rows_without_columns_are_refused(client):
    rows = pa.RecordBatch.from_struct_array(pa.array([{}] * 5, type=pa.struct([])))
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_batch(rows)
    table_bodies.send(client, table_bodies.ARROW, table_bodies.PLANE, "/models/plane/train")
    answers = [
        client.post(f"/models/plane/{call}", data=sink.getvalue(), content_type=table_bodies.ARROW)
        for call in ("predict", "predict?x=", "train", "evaluate")
    ]
    assert [answer.status_code for answer in answers] == [422] * 4
    assert answers[0].json["errors"] == [{"pointer": "/x", "detail": "has no columns; give at least one"}]
