"""Pins, in the API and in Triton's configuration of the model."""

from pathlib import Path

import pytest
from calls import XY, train
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig


def test_a_pinned_version_serves_until_it_is_unpinned(client, settings):
    for slope in (1, 2, 3):
        train(client, x=[0, 1, 2], y=[0, slope, 2 * slope])
    assert client.get("/models/m/serving").json == {"model": "m", "version": 3, "pinned": False}
    assert client.put("/models/m/serving", json={"version": 1}).json == {"model": "m", "version": 1, "pinned": True}
    assert train(client, x=[0, 1, 2], y=[0, 4, 8]).json["serving"] == 1
    assert client.post("/models/m/predict", json={"x": 1}).json["y"] == pytest.approx(1)
    config = (Path(settings.store) / "m/config.pbtxt").read_text()
    assert "specific { versions: [ 1 ] }" in config
    assert config.count("version_policy") == 1
    assert client.delete("/models/m/versions/1").status_code == 409
    assert client.put("/models/m/serving", json={"version": 9}).status_code == 404
    assert client.delete("/models/m/serving").json == {"model": "m", "version": 4, "pinned": False}
    assert client.post("/models/m/predict", json={"x": 1}).json["y"] == pytest.approx(4)


@pytest.mark.parametrize(
    ("policy", "version"),
    [
        ("version_policy: { specific: { versions: 1 } }", 1),
        ("version_policy { specific { versions: [1] } } # version_policy { latest { } }", 1),
        ("# version_policy { specific { versions: [1] } }", 2),
        ("version_policy { all { } }", 2),
        ("", 2),
    ],
)
def test_a_version_policy_has_the_meaning_that_triton_gives_it(client, settings, policy, version):
    train(client, **XY)
    train(client, **XY)
    (Path(settings.store) / "m/config.pbtxt").write_text(f'platform: "pytorch_libtorch"\n{policy}\n')
    assert client.post("/models/m/predict", json={"x": 1}).json["version"] == version


@pytest.mark.parametrize(
    "config",
    [
        b"version_policy { specific { versions: [ 9 ] } }",
        b"version_policy { specific { versions: [ 1, 2 ] } }",
        b"version_policy < specific < versions: 1 > >",
        b"\xff\xfe",
    ],
)
def test_an_invalid_version_policy_affects_only_its_model(client, settings, config):
    train(client, **XY)
    train(client, "other", **XY)
    (Path(settings.store) / "m/config.pbtxt").write_bytes(config)
    for response in (client.post("/models/m/predict", json={"x": 1}), train(client, **XY, status=503)):
        assert response.status_code == 503
        assert response.json["type"].endswith("invalid-model-config")
    assert [(model["model"], model["serving"]) for model in client.get("/models").json["models"]] == [
        ("m", None),
        ("other", 1),
    ]
    assert client.get("/models/m").json["versions"] == [1]
    metrics = client.get("/metrics").text
    assert 'descent_model_version{model="other"} 1.0' in metrics
    assert "descent_store_up 1.0" in metrics


@pytest.mark.parametrize(
    "config",
    [
        "# version_policy { latest { } }",
        "version_policy { all { } } # version_policy { latest { } }",
        'name: "#" version_policy { latest { } }',
        "parameters { key: 'version_policy { latest { } }' }",
        "version_policy { specific { versions: [ 1, 2 ] } }",
        "",
    ],
)
def test_a_pin_replaces_the_policy_in_the_configuration(client, settings, config):
    for _ in range(3):
        train(client, **XY)
    path = Path(settings.store) / "m/config.pbtxt"
    path.write_text(config)
    assert client.put("/models/m/serving", json={"version": 2}).json == {"model": "m", "version": 2, "pinned": True}
    assert list(text_format.Parse(path.read_text(), ModelConfig()).version_policy.specific.versions) == [2]
    assert client.delete("/models/m/serving").json == {"model": "m", "version": 3, "pinned": False}


@pytest.mark.parametrize(
    "config", [b"version_policy < latest < > >", b"version_policy { all { } } version_policy { all { } }", b"\xff"]
)
def test_a_pin_is_rejected_if_the_configuration_is_invalid(client, settings, config):
    train(client, **XY)
    path = Path(settings.store) / "m/config.pbtxt"
    path.write_bytes(config)
    response = client.put("/models/m/serving", json={"version": 1})
    assert (response.status_code, response.json["type"]) == (503, "urn:descent:problem:invalid-model-config")
    assert path.read_bytes() == config


def test_a_model_with_an_invalid_pin_can_be_deleted(client, settings):
    for _ in range(3):
        train(client, **XY)
    (Path(settings.store) / "m/config.pbtxt").write_text("version_policy { specific { versions: [ 1, 2 ] } }")
    assert client.delete("/models/m/versions/3").status_code == 204
    assert client.get("/models/m").json["versions"] == [1, 2]
    assert client.delete("/models/m").status_code == 204
    assert client.get("/models").json == {"models": []}


def test_a_pin_in_the_configuration_file_is_in_the_metrics(client, settings):
    train(client, **XY)
    train(client, **XY)
    client.get("/metrics")
    path = Path(settings.store) / "m/config.pbtxt"
    path.write_text(path.read_text().replace("latest { num_versions: 1 }", "specific { versions: [ 1 ] }"))
    assert 'descent_model_version{model="m"} 1.0' in client.get("/metrics").text
