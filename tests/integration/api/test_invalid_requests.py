"""Requests with invalid content: every fault names its field, and nothing is published."""

import pytest
from calls import rejected

XY = {"x": [1, 2, 3], "y": [2, 4, 7]}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"learning_rate": 0}, "/learning_rate"),
        ({"learning_rate": -1}, "/learning_rate"),
        ({"learning_rate": "fast"}, "/learning_rate"),
        ({"learning_rate": True}, "/learning_rate"),
        ({"epochs": -1}, "/epochs"),
        ({"epochs": 1.5}, "/epochs"),
        ({"epochs": "3"}, "/epochs"),
        ({"epochs": True}, "/epochs"),
        ({"epochs": 2**53}, "/epochs"),
        ({"seed": -1}, "/seed"),
        ({"seed": 1, "initial": {"w": 1}}, "/seed"),
        ({"initial": 3}, "/initial"),
        ({"initial": {"b": 3}}, "/initial"),
        ({"initial": {"w": 1, "c": 3}}, "/initial"),
        ({"initial": {"w": "1"}}, "/initial/w"),
        ({"initial": {"w": [1, 2]}}, "/initial/w"),
        ({"initial": {"w": {"a": [1]}}}, "/initial/w"),
        ({"initial": {"w": 1, "b": None}}, "/initial/b"),
        ({"initial": {"w": 1, "b": 1}, "fit_intercept": False}, "/initial/b"),
        ({"l2": -1}, "/l2"),
        ({"l2": "1"}, "/l2"),
        ({"standardize": 1}, "/standardize"),
        ({"method": "newton"}, "/method"),
        ({"method": 1}, "/method"),
        ({"y": [1, 2]}, "/y"),
        ({"y": None}, "/y"),
        ({"x": None}, "/x"),
        ({"sample_weight": [1, 1]}, "/sample_weight"),
        ({"sample_weight": [1, -1, 1]}, "/sample_weight/1"),
        ({"sample_weight": [0, 0, 0]}, "/sample_weight"),
        ({"sample_weight": 1}, "/sample_weight"),
        ({"x": [[0] * 1001] * 3}, "/x"),
    ],
)
def test_invalid_content_is_a_422_that_points_at_the_field(client, change, pointer):
    status, slug, problem = rejected(client, json=XY | change)
    assert (status, slug) == (422, "invalid-request")
    assert problem["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("field", ["x", "y"])
def test_a_missing_field_is_named(client, field):
    _, _, problem = rejected(client, json={name: value for name, value in XY.items() if name != field})
    assert problem["errors"][0]["pointer"] == f"/{field}"


def test_an_unknown_field_is_rejected_with_the_nearest_known_one(client):
    status, _, problem = rejected(client, json=XY | {"learning-rate": 0.1})
    assert status == 422
    assert problem["errors"] == [
        {"pointer": "/learning-rate", "detail": "is not a known field; the nearest is 'learning_rate'"}
    ]


@pytest.mark.parametrize(
    ("path", "body", "detail"),
    [
        ("/train", {"x": [1]}, "/y: is required"),
        (
            "/train",
            XY | {"method": "newton", "epochs": -1},
            (
                "/method: is 'newton'; give one of spectral, autograd; "
                '/epochs: is -1; give a whole number from 0 to 9007199254740991, or "converged"'
            ),
        ),
        ("/train", XY | {"method": 1}, "/method: is 1; give a string"),
        (
            "/train",
            XY | {"seed": 1, "initial": {"w": 1}},
            "/seed: excludes initial; give one of them",
        ),
        ("/train", [1], ': is not an object; send one such as {"x": [1, 2]}'),
        (
            "/predict?version=1",
            {"x": 1},
            (
                "/version: is not a known query parameter; "
                "the query parameters are model, interval, interval_kind, explain, "
                "strict, delimiter, decimal, thousands, missing, x"
            ),
        ),
        (
            "/models/m/predict?version=1",
            {"x": 1},
            (
                "/version: is not a known query parameter; "
                "the query parameters are interval, interval_kind, explain, "
                "strict, delimiter, decimal, thousands, missing, x"
            ),
        ),
    ],
)
def test_the_detail_lists_every_fault(client, path, body, detail):
    _, _, problem = rejected(client, path, json=body)
    assert problem["detail"] == detail


def test_the_options_of_a_table_are_query_parameters(client):
    _, _, problem = rejected(client, "/train?zzzz=1", data="x,y\n1,2\n", content_type="text/csv")
    assert problem["detail"].startswith(
        "/zzzz: is not a known query parameter; the query parameters are model, method, "
    )


@pytest.mark.parametrize(
    "path",
    ["/train?modle=a", "/train?model=a&model=b", "/train?model=../a", "/models/..a/train", "/models/a/train?x=1"],
)
def test_an_invalid_query_or_name_is_rejected(client, path):
    assert rejected(client, path, json=XY)[:2] == (422, "invalid-request")


def test_an_overflowing_fit_is_rejected(client):
    status, _, problem = rejected(client, json={"x": [0, 1e-160], "y": [0, 1e150]})
    assert status == 422
    assert "units" in problem["detail"]


def test_a_failing_store_is_shown_in_the_metrics(client, monkeypatch):
    client.post("/train", json=XY)
    monkeypatch.setattr("os.scandir", lambda *_: (_ for _ in ()).throw(OSError(5, "Input/output error")))
    metrics = client.get("/metrics").text
    assert "descent_store_up 0.0" in metrics
    assert client.post("/predict", json={"x": 1}).status_code == 503


@pytest.mark.parametrize("call", ["train", "evaluate"])
def test_a_negative_weight_is_rejected_beside_missing_ones(http, call):
    http.post("/models/weights/train", json={"x": [1, 2], "y": [1, 2]})
    body = {"x": [1, 2, 3], "y": [1, 2, 4], "sample_weight": [None, 1, -1], "missing": "drop"}
    response = http.post(f"/models/weights/{call}", json=body)
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/sample_weight/2")


@pytest.mark.parametrize("path", ["/train", "/predict", "/models/m/evaluate", "/models:train"])
def test_the_error_for_a_model_in_the_body_says_where_the_name_goes(client, path):
    _, _, problem = rejected(client, path, json={"model": "houses", "x": [1, 2], "y": [1, 2], "group": ["a", "b"]})
    [detail] = [fault["detail"] for fault in problem["errors"] if fault["pointer"] == "/model"]
    assert detail.endswith("goes into the path or the query, as in /models/NAME/predict or /predict?model=NAME")
