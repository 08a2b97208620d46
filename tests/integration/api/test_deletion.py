"""Deletion of versions and models."""

from pathlib import Path

import pytest
from calls import XY, train


def test_the_number_of_a_deleted_version_is_not_used_again(client):
    for _ in range(3):
        train(client, **XY)
    assert client.delete("/models/m/versions/3").status_code == 204
    assert client.get("/models/m").json["serving"] == 2
    assert client.get("/models/m/versions/3").status_code == 404
    assert train(client, **XY).json["version"] == 4
    assert client.delete("/models/m/versions/2").status_code == 204
    assert client.get("/models/m").json["versions"] == [1, 4]


def test_a_number_without_an_artifact_is_skipped(client, settings):
    train(client, **XY)
    for name in ("3", "999999999999999999"):
        (Path(settings.store) / "m" / name).mkdir()
    assert [train(client, **XY).json["version"] for _ in range(2)] == [2, 4]
    assert client.get("/models/m").json["versions"] == [1, 2, 4]
    assert train(client, x=[5], y=[11], append=True).json["n"] == 5
    assert client.delete("/models/m/versions/5").status_code == 204
    assert train(client, **XY).json["version"] == 6


def test_a_model_can_start_in_a_folder_with_an_empty_number(client, settings):
    (Path(settings.store) / "m/1").mkdir(parents=True)
    assert train(client, x=[5], y=[11], append=True, status=404).json["type"].endswith("model-not-found")
    assert train(client, **XY).json["version"] == 2
    assert client.get("/models/m").json["versions"] == [2]


def test_the_only_version_is_deleted_with_its_model(client, settings):
    train(client, **XY)
    assert client.delete("/models/m/versions/1").status_code == 409
    gone = client.delete("/models/m")
    assert (gone.status_code, gone.data) == (204, b"")
    assert "Content-Type" not in gone.headers
    assert client.post("/models/m/predict", json={"x": 1}).status_code == 404
    assert client.get("/models").json == {"models": []}
    assert not (Path(settings.store) / "m").exists()
    assert client.delete("/models/m").status_code == 404
    assert train(client, **XY).json["version"] == 1


def test_a_new_model_replaces_a_deleted_one_in_the_cache(client):
    train(client, x=[0, 1, 2], y=[0, 1, 2])
    assert client.post("/models/m/predict", json={"x": 1}).json["y"] == pytest.approx(1)
    client.delete("/models/m")
    train(client, x=[0, 1, 2], y=[0, 5, 10])
    assert client.post("/models/m/predict", json={"x": 1}).json["y"] == pytest.approx(5)


@pytest.mark.parametrize("path", ["/models/unknown", "/models/unknown/versions/1"])
def test_deleting_an_unknown_model_does_not_advise_to_train_it(client, path):
    answer = client.delete(path)
    assert (answer.status_code, answer.json["type"]) == (404, "urn:descent:problem:model-not-found")
    assert answer.json["detail"] == "Model 'unknown' does not exist; there is nothing to delete."
