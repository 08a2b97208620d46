"""The forms of x, which coefficients and predictions follow, and how columns match."""

import numpy as np
import pytest
from calls import fit


@pytest.mark.parametrize(
    ("x", "w"),
    [
        ([1, 2, 3], 2.0),
        ([[1], [2], [3]], [2.0]),
        ({"area": [1, 2, 3]}, {"area": 2.0}),
        ([{"area": 1}, {"area": 2}, {"area": 3}], {"area": 2.0}),
    ],
)
def test_w_has_the_form_of_a_row_of_x(client, x, w):
    report = fit(client, x=x, y=[3, 5, 7])
    assert report["w"] == (pytest.approx(w) if not isinstance(w, dict) else {"area": pytest.approx(2.0)})
    assert type(report["w"]) is type(w)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ({"b": [1, 2], "a": [10, 20]}, [12.0, 23.0]),
        ([[10, 1], [20, 2]], [12.0, 23.0]),
        ([{"a": 10, "b": 1}], [12.0]),
        ({"b": 1, "a": 10}, 12.0),
    ],
)
def test_predictions_match_columns_by_name_and_have_the_form_of_x(client, x, y):
    rows = [{"a": a, "b": b} for a in range(3) for b in range(3)]
    fit(client, x=rows, y=[row["a"] + row["b"] + 1 for row in rows])
    assert client.post("/predict", json={"x": x}).json["y"] == pytest.approx(y)


def test_an_overflowing_prediction_is_rejected_at_its_row(client):
    fit(client, x=[0, 1e-150], y=[0, 1e150])
    response = client.post("/predict", json={"x": [1, 1e150]})
    assert response.status_code == 422
    assert response.json["errors"][0]["pointer"] == "/x/1"


def test_a_long_json_list_is_accepted_by_all_calls(client):
    x = np.arange(5000.0).tolist()
    assert client.post("/train", json={"x": x, "y": x}).json["n"] == 5000
    assert len(client.post("/predict", json={"x": x}).json["y"]) == 5000
    columns = {"sensor": [1] * 2500 + [2] * 2500, "t": x}
    response = client.post("/models:train", json={"x": columns, "y": x, "group": "sensor"})
    assert [each["model"] for each in response.json["results"]] == ["1", "2"]
