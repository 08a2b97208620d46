"""The artifact and its Triton configuration work without the service."""

import json
import subprocess
import sys

import httpx
import numpy as np
import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig


def train(client, model, **body):
    response = client.post(f"/models/{model}/train", json=body)
    assert response.status_code == httpx.codes.CREATED, response.text
    return response.json()


@pytest.mark.parametrize("d", [1, 3, 17])
def test_the_artifact_predicts_exactly_what_the_service_predicts(client, tmp_path, d):
    generator = np.random.default_rng(d)
    x = generator.normal(size=(200, d)) * 10 ** generator.uniform(-3, 3, size=d)
    fit = train(client, f"artifact{d}", x=x.tolist(), y=generator.normal(size=200).tolist())
    (tmp_path / "model.pt").write_bytes(client.get(fit["artifact"]["href"]).content)
    (tmp_path / "x.json").write_text(json.dumps(x.tolist()))
    code = """if True:
        import json, sys, warnings
        warnings.simplefilter("ignore")
        import torch
        assert not any(name == "service" or name.startswith("service.") for name in sys.modules)
        model = torch.jit.load("model.pt")
        x = torch.tensor(json.load(open("x.json")), dtype=torch.float64)
        print(json.dumps(model(x).tolist()))
    """
    alone = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    expected = json.loads(alone.stdout)
    path = f"/models/artifact{d}/predict"
    assert client.post(path, json={"x": x.tolist()}).json()["y"] == expected
    for size in (1, 3, 64):
        batches = [client.post(path, json={"x": x[i : i + size].tolist()}).json()["y"] for i in range(0, 200, size)]
        assert [y for batch in batches for y in batch] == expected


def test_triton_can_parse_the_model_configuration(client, service):
    train(client, "triton", x=[1, 2], y=[1, 2])
    config = text_format.Parse((service.store / "triton/config.pbtxt").read_text(), ModelConfig())
    assert config.platform == "pytorch_libtorch"
    assert config.version_policy.latest.num_versions == 1
