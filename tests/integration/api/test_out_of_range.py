"""Rows outside the range of the training data: the header and the counter."""

import numpy as np
import table_bodies
from calls import PLANE, XY, metric, post_table, train


def test_rows_outside_the_training_range_are_counted_in_a_header(client):
    train(client, **XY)
    inside = client.post("/models/m/predict", json={"x": [1, 4]})
    outside = client.post("/models/m/predict", json={"x": [0.5, 2, 5, 6]})
    assert "Descent-Extrapolated" not in inside.headers
    assert outside.headers["Descent-Extrapolated"] == "3"
    assert 'descent_out_of_range_rows_total{model="m"} 3.0' in client.get("/metrics").text


def test_rows_of_tables_outside_the_training_range_are_counted(client):
    post_table(client, "/models/a/train", table_bodies.CSV, PLANE)
    outside = {"a": [1.0, 99.0, -99.0], "b": [1.0, 1.0, 1.0]}
    short = post_table(client, "/models/a/predict", table_bodies.CSV, outside, Accept=table_bodies.ARROW)
    assert (short.headers["Descent-Model"], short.headers["Descent-Version"]) == ("a", "1")
    assert short.headers["Descent-Extrapolated"] == "2"
    rows = 100_000
    long = post_table(client, "/models/a/predict", table_bodies.NPY, {"a": np.full(rows, 99.0), "b": np.ones(rows)})
    assert len(long.json["y"]) == rows
    assert "Descent-Extrapolated" not in long.headers
    assert metric(client, "descent_out_of_range_rows_total", "a") == rows + 2
    assert metric(client, "descent_predicted_rows_total", "a") == rows + 3


def test_other_protocols_count_rows_outside_the_training_range(client):
    client.post("/models/default/train", json={"x": [1, 2, 3], "y": [2, 4, 6]})
    tensor = {"name": "INPUT__0", "datatype": "FP64", "shape": [2, 1], "data": [2, 50]}
    inferred = client.post("/v2/models/default/infer", json={"inputs": [tensor]})
    scored = client.post("/invocations", json={"instances": [50.0]})
    assert inferred.headers["Descent-Extrapolated"] == scored.headers["Descent-Extrapolated"] == "1"
    assert metric(client, "descent_out_of_range_rows_total", "default") == 2
