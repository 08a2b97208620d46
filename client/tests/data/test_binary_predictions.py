"""The model and the version beside predictions in a binary format."""

import io

import httpx
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from fake_service import FakeService

from descent.request_body import ARROW_STREAM, NPY

X = np.array([[1.0, 4.0], [2.0, 5.0], [3.0, 7.0]])
Y = [1.0, 2.0, 4.0]


def in_npy():
    content = io.BytesIO()
    np.save(content, np.array(Y))
    return content.getvalue()


def in_arrow():
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, pa.schema([("y", pa.float64())])) as stream:
        stream.write_table(pa.table({"y": Y}))
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize("x", [X, pd.DataFrame(X), pa.table({"a": X[:, 0]})], ids=["array", "frame", "table"])
def test_a_prediction_in_a_binary_format_has_the_model_and_the_version(x):
    media_type, content = (NPY, in_npy()) if isinstance(x, np.ndarray) else (ARROW_STREAM, in_arrow())
    headers = {"Content-Type": media_type, "Descent-Model": "m", "Descent-Version": "12"}
    service = FakeService(lambda _: httpx.Response(200, content=content, headers=headers))
    found = service.client().prediction(x, model="m")
    assert (found.model, found.version, np.asarray(found.y).tolist()) == ("m", 12, Y)
