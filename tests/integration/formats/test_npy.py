"""Arrays in numpy's format."""

import io

import numpy as np
import pytest
import table_bodies


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", ["<f8", ">f8", "<f4", "<i4"])
def test_either_memory_order_and_any_numeric_type_is_accepted(client, order, kind):
    sink = io.BytesIO()
    np.save(sink, np.array([[1, 2, 3], [4, 5, 7], [7, 9, 8], [1, 0, 0]], dtype=kind, order=order))
    answer = client.post("/train", data=sink.getvalue(), content_type=table_bodies.NPY)
    expected = client.post("/train", json={"x": [[1, 2], [4, 5], [7, 9], [1, 0]], "y": [3, 7, 8, 0]})
    assert (answer.json["w"], answer.json["b"]) == (expected.json["w"], expected.json["b"])


def test_one_dimension_is_one_column(client):
    client.post("/models/flat/train", json={"x": [1, 2], "y": [2, 4]})
    sink = io.BytesIO()
    np.save(sink, np.array([1.0, 3.0]))
    answer = client.post("/models/flat/predict", data=sink.getvalue(), content_type=table_bodies.NPY)
    assert answer.json["y"] == client.post("/models/flat/predict", json={"x": [1, 3]}).json["y"]


def test_objects_are_not_unpickled(client):
    sink = io.BytesIO()
    np.save(sink, np.array([object]), allow_pickle=True)
    answer = client.post("/train", data=sink.getvalue(), content_type=table_bodies.NPY)
    assert answer.status_code == 422
