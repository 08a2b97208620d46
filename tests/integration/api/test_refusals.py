"""What the app refuses, and that nothing comes of it."""

import dataclasses
import json

import pytest

from service.app import create_app

XY = {"x": [1, 2, 3], "y": [2, 4, 7]}


def refused(client, path="/train", **request):
    answer = client.post(path, **request)
    assert answer.content_type == "application/problem+json", answer.text
    assert client.get("/models").json == {"models": []}
    return answer.status_code, answer.json["type"].removeprefix("urn:descent:problem:"), answer.json


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"{", "line 1, column 2"),
        (b"\xff", "byte 0"),
        (b'{"x": [NaN], "y": [1]}', "NaN"),
        (b'{"x": [-Infinity], "y": [1]}', "-Infinity"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_not_json_is_a_400_that_says_where(client, text, says):
    status, slug, problem = refused(client, data=text, content_type="application/json")
    assert (status, slug) == (400, "malformed-body")
    assert says in problem["detail"]


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        (b'{"x": [1e400], "y": [1]}', "/x/0"),
        (b'{"x": [1], "y": [-1e400]}', "/y/0"),
        (b'{"x": [1], "y": [%s]}' % (b"9" * 400), "/y/0"),
        (b'{"x": [1], "y": [-%s]}' % (b"9" * 5000), "/y/0"),
    ],
)
def test_a_number_that_no_float64_holds_is_a_422_at_its_place(client, text, pointer):
    status, slug, problem = refused(client, data=text, content_type="application/json")
    assert (status, slug) == (422, "invalid-request")
    assert problem["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/json", "Content-Encoding": "br"},
    ],
)
def test_what_nobody_here_reads_is_a_415(client, headers):
    assert refused(client, data=json.dumps(XY), headers=headers)[:2] == (415, "unsupported-media-type")


def test_a_body_past_the_bound_is_a_413(settings):
    client = create_app(dataclasses.replace(settings, max_body_bytes=100)).test_client()
    assert refused(client, json={"x": [1] * 100, "y": [1] * 100})[:2] == (413, "body-too-large")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"learning_rate": 0}, "/learning_rate"),
        ({"learning_rate": -1}, "/learning_rate"),
        ({"learning_rate": "fast"}, "/learning_rate"),
        ({"learning_rate": True}, "/learning_rate"),
        ({"learning_rate": None}, "/learning_rate"),
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
        ({"fit_intercept": None}, "/fit_intercept"),
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
def test_content_that_cannot_be_used_is_a_422_that_points_at_it(client, change, pointer):
    status, slug, problem = refused(client, json=XY | change)
    assert (status, slug) == (422, "invalid-request")
    assert problem["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("field", ["x", "y"])
def test_a_missing_field_is_named(client, field):
    _, _, problem = refused(client, json={name: value for name, value in XY.items() if name != field})
    assert problem["errors"][0]["pointer"] == f"/{field}"


def test_an_unknown_field_is_refused_with_the_nearest_known_one(client):
    status, _, problem = refused(client, json=XY | {"learning-rate": 0.1})
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
                "/epochs: is -1; give a whole number from 0 to 9007199254740991"
            ),
        ),
        ("/train", XY | {"method": None}, "/method: is null; give a value"),
        ("/train", XY | {"method": 1}, "/method: is 1; give a string"),
        (
            "/train",
            XY | {"seed": 1, "initial": {"w": 1}},
            "/seed: excludes initial; give one of them",
        ),
        ("/train", [1], ': is not an object; send one such as {"x": [1, 2]}'),
        ("/predict?version=1", {"x": 1}, "/version: is not a known query parameter; the only one is 'model'"),
        ("/models/m/predict?version=1", {"x": 1}, "/version: is not a known query parameter; this path takes none"),
    ],
)
def test_faults_are_told_in_one_voice(client, path, body, detail):
    _, _, problem = refused(client, path, json=body)
    assert problem["detail"] == detail


def test_faults_of_labels_are_told_where_they_are(client):
    assert client.post("/train", json=XY).status_code == 201
    labels = {"a/b": 1, "": "x", "long": "x" * 101}
    answer = client.patch("/models/default", json={"labels": labels})
    assert answer.json["errors"] == [
        {"pointer": "/labels/", "detail": "is not a label name; give 1 to 100 characters"},
        {"pointer": "/labels/a~1b", "detail": "is 1; give a string"},
        {"pointer": "/labels/long", "detail": "has more than 100 characters; shorten it"},
    ]
    answer = client.patch("/models/default", json={"labels": []})
    assert answer.json["errors"] == [
        {"pointer": "/labels", "detail": 'is not an object; give one such as {"site": "north"}'}
    ]


def test_options_of_a_table_are_called_query_parameters(client):
    _, _, problem = refused(client, "/train?zzzz=1", data="x,y\n1,2\n", content_type="text/csv")
    assert problem["detail"].startswith("/zzzz: is not a known query parameter; the query parameters are method, ")


@pytest.mark.parametrize("body", ["[]", "3", '"text"', "null"])
def test_a_body_that_is_no_object_is_refused(client, body):
    status, slug, _ = refused(client, data=body, content_type="application/json")
    assert (status, slug) == (422, "invalid-request")


@pytest.mark.parametrize(
    "path",
    ["/train?modle=a", "/train?model=a&model=b", "/train?model=../a", "/models/..a/train", "/models/a/train?x=1"],
)
def test_a_query_or_name_that_cannot_be_used_is_refused(client, path):
    assert refused(client, path, json=XY)[:2] == (422, "invalid-request")


def test_a_fit_that_no_float64_holds_is_refused(client):
    status, _, problem = refused(client, json={"x": [0, 1e-160], "y": [0, 1e150]})
    assert status == 422
    assert "units" in problem["detail"]


def test_a_store_that_fails_is_told_apart_in_the_metrics(client, monkeypatch):
    client.post("/train", json=XY)
    monkeypatch.setattr("os.scandir", lambda *_: (_ for _ in ()).throw(OSError(5, "Input/output error")))
    metrics = client.get("/metrics").text
    assert "descent_store_up 0.0" in metrics
    assert client.post("/predict", json={"x": 1}).status_code == 503


@pytest.mark.parametrize("call", ["train", "evaluate"])
def test_a_negative_weight_is_refused_beside_missing_ones(http, call):
    http.post("/models/weights/train", json={"x": [1, 2], "y": [1, 2]})
    body = {"x": [1, 2, 3], "y": [1, 2, 4], "sample_weight": [None, 1, -1], "missing": "drop"}
    answer = http.post(f"/models/weights/{call}", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/sample_weight/2")
