"""Training and prediction of one model for each group of rows."""

import json

import pytest
from calls import XY, train

from service.training import trainer

ROWS = [
    {"sensor": "a", "t": 0}, {"sensor": "b", "t": 0}, {"sensor": "a", "t": 1},
    {"sensor": "b", "t": 1}, {"sensor": "bad name", "t": 3}, {"sensor": 7, "t": 3},
]  # fmt: skip


Y = [1, 10, 2, 8, 0, 5]


@pytest.mark.parametrize("form", ["column of records", "column", "list"])
def test_each_group_has_a_model_and_a_result(client, form):
    columns = {"sensor": [row["sensor"] for row in ROWS], "t": [row["t"] for row in ROWS]}
    x = {"column of records": ROWS, "column": columns, "list": {"t": columns["t"]}}[form]
    group = columns["sensor"] if form == "list" else "sensor"
    response = client.post("/models:train", json={"x": x, "y": Y, "group": group, "prefix": "s-"})
    assert response.status_code == 200
    a, b, bad, seven = response.json["results"]
    assert (a["group"], a["model"], a["version"], a["w"]) == ("a", "s-a", 1, {"t": pytest.approx(1)})
    assert (b["w"], b["b"], b["n"]) == ({"t": pytest.approx(-2)}, pytest.approx(10), 2)
    assert bad["problem"]["status"] == 422
    assert seven["model"] == "s-7"
    assert [model["model"] for model in client.get("/models").json["models"]] == ["s-7", "s-a", "s-b"]

    predicted = client.post("/models:predict", json={"x": x, "group": group, "prefix": "s-"}).json["results"]
    assert predicted[0]["rows"] == [0, 2]
    assert predicted[0]["y"] == pytest.approx([1, 2])
    assert predicted[1]["y"] == pytest.approx([10, 8])
    assert "problem" in predicted[2]


def test_groups_support_appends_and_dry_runs(client):
    body = {"x": [0, 1, 0, 1], "y": [0, 1, 0, 2], "group": ["a", "a", "b", "b"]}
    dry_runs = client.post("/models:train", json=body | {"dry_run": True}).json["results"]
    assert [result["version"] for result in dry_runs] == [None, None]
    client.post("/models:train", json=body)
    appended = client.post("/models:train", json={"x": [2, 2], "y": [2, 4], "group": ["a", "c"], "append": True}).json
    assert appended["results"][0]["n"] == 3
    assert appended["results"][1]["problem"]["type"].endswith("model-not-found")


def test_a_repeated_key_trains_each_group_once(client):
    def append(headers, **change):
        body = {"x": [2, 2, 2], "y": [2, 4, 6], "group": ["a", "b", "c"], "append": True} | change
        return client.post("/models:train", json=body, headers=headers).json["results"]

    client.post("/models:train", json={"x": [0, 1, 0, 1], "y": [0, 1, 0, 2], "group": ["a", "a", "b", "b"]})
    key = {"Idempotency-Key": "k"}
    first = append(key)
    assert [result.get("version") for result in first] == [2, 2, None]
    train(client, "c", x=[0, 1], y=[0, 3])
    a, b, c = append(key)
    assert [a, b] == [result | {"replayed": True} for result in first[:2]]
    assert (c["version"], c["n"], "replayed" in c) == (2, 3, False)
    assert [result["n"] for result in append({"Idempotency-Key": "other"})] == [4, 4, 4]
    slugs = {result["problem"]["type"] for result in append(key, decay=0.5)}
    assert slugs == {"urn:descent:problem:idempotency-key-reused"}


def test_if_none_match_skips_groups_whose_models_exist(client):
    train(client, "a", **XY)
    body = {"x": [1, 2], "y": [1, 2], "group": ["a", "b"]}
    a, b = client.post("/models:train", json=body, headers={"If-None-Match": "*"}).json["results"]
    assert (a["problem"]["status"], b["version"]) == (412, 1)


@pytest.mark.parametrize("headers", [{"If-Match": "*"}, {"Idempotency-Key": ""}])
def test_headers_that_do_not_apply_to_groups_are_rejected(client, headers):
    body = {"x": [1, 2], "y": [1, 2], "group": ["a", "b"]}
    response = client.post("/models:train", json=body, headers=headers)
    assert response.status_code == 422
    assert next(iter(headers)) in response.json["detail"]
    assert client.get("/models").json == {"models": []}


def test_the_faults_of_a_group_point_at_the_rows_of_the_request(client):
    body = {"x": [0, 1, 2, 0, 1, 2], "y": [0, 1, 2, 0, 2, 4], "group": list("aaabbb")}
    a, b = client.post("/models:train", json=body | {"sample_weight": [1, 1, 1, 1, -1, 1]}).json["results"]
    assert a["version"] == 1
    assert b["problem"]["errors"] == [{"pointer": "/sample_weight/4", "detail": "is -1; a weight is at least 0"}]
    assert b["problem"]["detail"] == "/sample_weight/4: is -1; a weight is at least 0"


def test_an_overflowing_prediction_of_a_group_points_at_the_row_of_the_request(client):
    for model in ("a", "b"):
        train(client, model, x=[0, 1e-150], y=[0, 1e10])
    body = {"x": [[0], [0], [0], [1e150]], "group": ["a", "b", "a", "b"]}
    a, b = client.post("/models:predict", json=body).json["results"]
    assert a["rows"] == [0, 2]
    assert b["problem"]["errors"][0]["pointer"] == "/x/3"


def test_an_unexpected_error_in_a_group_does_not_affect_the_others(client, monkeypatch, caplog):
    original = trainer.Trainer.train

    def break_for_b(self, model, request):
        return 1 / 0 if model == "b" else original(self, model, request)

    monkeypatch.setattr(trainer.Trainer, "train", break_for_b)
    results = client.post("/models:train", json={"x": [1, 2], "y": [1, 2], "group": ["a", "b"]}).json["results"]
    assert results[0]["version"] == 1
    assert results[1]["problem"]["status"] == 500
    assert "ZeroDivisionError" in caplog.text
    assert "ZeroDivision" not in json.dumps(results)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"group": "none"}, "/group"),
        ({"group": ["a"]}, "/group"),
        ({"group": ["a", None]}, "/group/1"),
        ({"group": ["a", 1.5]}, "/group/1"),
        ({"group": ["a", True]}, "/group/1"),
        ({"group": 7}, "/group"),
        ({"y": [1]}, "/y"),
    ],
)
def test_invalid_groups_are_rejected(client, change, pointer):
    response = client.post("/models:train", json={"x": [1, 2], "y": [1, 2], "group": ["a", "b"]} | change)
    assert response.status_code == 422
    assert response.json["errors"][0]["pointer"] == pointer
