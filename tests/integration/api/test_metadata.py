"""Descriptions and labels of models."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from calls import XY, train


def test_a_change_keeps_the_omitted_description_and_labels(client):
    train(client, **XY)
    assert client.get("/models/m").json["labels"] == {}
    client.patch("/models/m", json={"description": "a sensor", "labels": {"site": "north", "kind": "old"}})
    about = client.patch("/models/m", json={"labels": {"kind": None}}).json
    assert (about["description"], about["labels"]) == ("a sensor", {"site": "north"})
    assert client.patch("/models/none", json={"description": "x"}).status_code == 404
    assert client.patch("/models/m", json={"labels": {"a": 1}}).status_code == 422


def test_concurrent_changes_of_labels_are_all_kept(client):
    train(client, **XY)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda i: client.patch("/models/m", json={"labels": {f"l{i}": "x"}}), range(40)))
    assert len(client.get("/models/m").json["labels"]) == 40


def test_a_model_has_at_most_a_hundred_labels(client):
    train(client, **XY)
    hundred = {str(i): "x" for i in range(100)}
    assert len(client.patch("/models/m", json={"labels": hundred}).json["labels"]) == 100
    refused = client.patch("/models/m", json={"labels": {"more": "x"}})
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "/labels")
    assert "more" in client.patch("/models/m", json={"labels": {"0": None, "more": "x"}}).json["labels"]


@pytest.mark.parametrize("text", ["", "[]", "{", "{}", '{"description": 1, "labels": {}}', '{"labels": null}'])
def test_damaged_labels_are_read_as_none(client, settings, text):
    train(client, **XY)
    (Path(settings.store) / "m/about.json").write_text(text)
    [model] = client.get("/models").json["models"]
    assert (model["description"], model["labels"]) == (None, {})
    assert client.patch("/models/m", json={"labels": {"site": "north"}}).json["labels"] == {"site": "north"}


@pytest.mark.parametrize(
    ("change", "pointer", "detail"),
    [
        ({"labels": {"a/b": 1}}, "/labels/a~1b", "is 1; give a string"),
        ({"labels": {"": "x"}}, "/labels/", "is not a label name; give 1 to 100 characters"),
        ({"labels": {"l" * 200: "x"}}, f"/labels/{'l' * 100}", "is not a label name; give 1 to 100 characters"),
        ({"labels": []}, "/labels", 'is not an object; give one such as {"site": "north"}'),
        ({"description": 1}, "/description", "is 1; give a string"),
    ],
)
def test_an_error_points_at_the_invalid_label(client, change, pointer, detail):
    train(client, **XY)
    response = client.patch("/models/m", json=change)
    assert (response.status_code, response.json["errors"]) == (422, [{"pointer": pointer, "detail": detail}])


def test_at_most_ten_faults_of_a_field_are_reported(client):
    train(client, **XY)
    response = client.patch("/models/m", json={"labels": {str(i): i for i in range(100)}})
    assert len(response.json["errors"]) == 10


def test_an_error_points_at_every_invalid_label(client):
    assert client.post("/train", json=XY).status_code == 201
    labels = {"a/b": 1, "": "x", "long": "x" * 101}
    response = client.patch("/models/default", json={"labels": labels})
    assert response.json["errors"] == [
        {"pointer": "/labels/", "detail": "is not a label name; give 1 to 100 characters"},
        {"pointer": "/labels/a~1b", "detail": "is 1; give a string"},
        {"pointer": "/labels/long", "detail": "has more than 100 characters; shorten it"},
    ]
    response = client.patch("/models/default", json={"labels": []})
    assert response.json["errors"] == [
        {"pointer": "/labels", "detail": 'is not an object; give one such as {"site": "north"}'}
    ]
