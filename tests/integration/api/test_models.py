"""Models, versions, artifacts and loss curves."""

import hashlib
from pathlib import Path

import pytest


def train(client, model="m", **body):
    response = client.post(f"/models/{model}/train", json={"x": [1, 2, 3], "y": [2, 4, 7], **body})
    assert response.status_code == 201, response.text
    return response


def test_a_training_returns_the_path_of_its_version(client):
    response = train(client)
    assert response.headers["Location"] == "/models/m/versions/1"
    assert client.get(response.headers["Location"]).json == {k: v for k, v in response.json.items() if k != "serving"}
    assert (response.json["model"], response.json["version"], response.json["serving"]) == ("m", 1, 1)
    assert train(client).json["version"] == 2


def test_the_artifact_has_the_reported_digest_and_size(client, settings):
    described = train(client).json["artifact"]
    sent = client.get(described["href"])
    assert hashlib.sha256(sent.data).hexdigest() == described["sha256"]
    assert len(sent.data) == described["bytes"]
    assert sent.data == (Path(settings.store) / "m/1/model.pt").read_bytes()


def test_the_history_equals_that_of_the_training(client):
    fit = train(client, learning_rate=0.01, epochs=5).json
    history = client.get("/models/m/versions/1/history").json
    assert history == {"model": "m", "version": 1, **fit["history"]}


def test_the_query_names_the_model_if_the_path_does_not(client):
    client.post("/train", json={"x": [1, 2], "y": [1, 2]})
    client.post("/train?model=other", json={"x": [1, 2], "y": [2, 4]})
    assert client.post("/predict", json={"x": 3}).json["model"] == "default"
    assert client.post("/predict?model=other", json={"x": 3}).json == {"model": "other", "version": 1, "y": 6.0}


def test_the_newest_version_serves_and_older_ones_remain(client):
    train(client, y=[2, 4, 6])
    train(client, y=[3, 6, 9])
    assert client.post("/models/m/predict", json={"x": 1}).json["y"] == pytest.approx(3)
    assert client.post("/models/m/versions/1/predict", json={"x": 1}).json["y"] == pytest.approx(2)
    shown = client.get("/models/m").json
    assert (shown["serving"], shown["versions"]) == (2, [1, 2])


def test_a_pin_in_the_configuration_file_selects_the_version(client, settings):
    train(client, y=[2, 4, 6])
    path = Path(settings.store) / "m/config.pbtxt"
    path.write_text(path.read_text().replace("latest { num_versions: 1 }", "specific { versions: [ 1 ] }"))
    assert train(client, y=[3, 6, 9]).json["serving"] == 1
    assert client.post("/models/m/predict", json={"x": 1}).json["version"] == 1


def test_models_are_listed_by_prefix_in_pages(client):
    for name in ("b1", "a", "b2", "b3"):
        train(client, name)
    page = client.get("/models?prefix=b&limit=2").json
    assert [model["model"] for model in page["models"]] == ["b1", "b2"]
    rest = client.get(f"/models?prefix=b&limit=2&page_token={page['next_page_token']}").json
    assert [model["model"] for model in rest["models"]] == ["b3"]
    assert "next_page_token" not in rest


@pytest.mark.parametrize(
    ("path", "slug"),
    [
        ("/models/none", "model-not-found"),
        ("/models/m/versions/9", "version-not-found"),
        ("/models/m/versions/9/artifact", "version-not-found"),
        ("/models/m/versions/x", "not-found"),
        ("/models/m/nothing", "not-found"),
        ("/nothing", "not-found"),
    ],
)
def test_an_unknown_path_model_or_version_is_a_404(client, path, slug):
    train(client)
    response = client.get(path)
    assert response.status_code == 404
    assert response.content_type == "application/problem+json"
    assert response.json["type"] == f"urn:descent:problem:{slug}"


def test_an_unsupported_method_is_a_405_with_the_supported_ones(client):
    response = client.get("/train")
    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]
    assert response.content_type == "application/problem+json"


def test_an_unexpected_error_is_in_the_log_and_not_in_the_response(client, monkeypatch, caplog):
    monkeypatch.setattr("service.training.trainer.Trainer.train", lambda *_: 1 / 0)
    response = client.post("/train", json={"x": [1], "y": [1]})
    assert response.status_code == 500
    assert "ZeroDivision" not in response.text
    assert "ZeroDivisionError" in caplog.text


def test_a_damaged_version_is_a_503(client, settings):
    train(client)
    path = Path(settings.store) / "m/1/model.pt"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    for response in (client.post("/models/m/predict", json={"x": 1}), client.get("/models/m/versions/1/artifact")):
        assert response.status_code == 503
        assert response.json["type"] == "urn:descent:problem:corrupt-artifact"
    assert client.get("/metrics").status_code == 200
