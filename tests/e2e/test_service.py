"""The running service, as its clients, its operators and its oracles see it."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

ROOT = Path(__file__).parents[2]
NIST = ROOT / "tests/data/nist"
TUTORIAL = json.loads((ROOT / "docs/examples/tutorial.json").read_text())


def train(client, model, **body):
    answer = client.post(f"/models/{model}/train", json=body)
    assert answer.status_code == httpx.codes.CREATED, answer.text
    return answer.json()


def digits(found, certified):
    """The digits of the worst of them."""
    error = np.abs(np.asarray(found) - certified) / np.abs(certified)
    return -float(np.log10(np.maximum(error, 1e-17).max()))


@pytest.mark.parametrize(("name", "least"), [("Norris", 12), ("NoInt1", 14), ("NoInt2", 14), ("Longley", 10)])
def test_nist_certified_values_are_met_through_http(client, name, least):
    case = json.loads((NIST / f"{name}.json").read_text())
    fit = train(client, name, x=case["x"], y=case["y"], fit_intercept=case["intercept"])
    errors = fit["optimum"]["std_errors"]
    b, error_b = ([fit["b"]], [errors["b"]]) if case["intercept"] else ([], [])
    certified = case["certified"]
    assert digits([*b, *np.ravel(fit["w"])], certified["coefficients"]) >= least
    assert digits([*error_b, *np.ravel(errors["w"])], certified["std_errors"]) >= least
    assert digits(fit["optimum"]["r2"], certified["r_squared"]) >= least


@pytest.mark.parametrize("d", [1, 3, 17])
def test_the_artifact_alone_gives_the_services_answers_to_the_bit(client, tmp_path, d):
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


def test_the_configuration_beside_it_parses_as_tritons(client, service):
    train(client, "triton", x=[1, 2], y=[1, 2])
    config = text_format.Parse((service.store / "triton/config.pbtxt").read_text(), ModelConfig())
    assert config.platform == "pytorch_libtorch"
    assert config.version_policy.latest.num_versions == 1


def test_concurrent_trainings_get_a_version_each(client, service):
    def one(i):
        with httpx.Client(base_url=service.url, timeout=60) as own:
            return train(own, "contended", x=[0, 1], y=[0, i])

    with ThreadPoolExecutor(8) as pool:
        fits = list(pool.map(one, range(40)))
    assert sorted(fit["version"] for fit in fits) == list(range(1, 41))
    for i, fit in enumerate(fits):
        answer = client.post(f"/models/contended/versions/{fit['version']}/predict", json={"x": 1})
        assert answer.json()["y"] == pytest.approx(i)


def test_a_kill_in_the_midst_of_trainings_leaves_nothing_half_made(new_service):
    service = new_service(DESCENT_WORKERS="2")
    answered = []

    def keep_training():
        with httpx.Client(base_url=service.url, timeout=10) as own:
            try:
                while True:
                    answered.append(train(own, "m", **TUTORIAL)["version"])
            except httpx.TransportError:
                return

    with ThreadPoolExecutor(4) as pool:
        trainings = [pool.submit(keep_training) for _ in range(4)]
        while len(answered) < 50:
            assert not any(training.done() for training in trainings)
        service.kill()
    service.start()
    versions = httpx.get(f"{service.url}/models/m").json()["versions"]
    assert set(answered) <= set(versions)
    assert versions == list(range(1, len(versions) + 1))
    assert not list(service.store.glob("*/tmp-*"))
    for version in versions:
        answer = httpx.post(f"{service.url}/models/m/versions/{version}/predict", json={"x": 1})
        assert answer.json()["y"] == pytest.approx(0.25998989 + 0.74766528, abs=1e-6)


def test_an_answer_before_the_body_was_read_closes_the_connection(service):
    with httpx.Client(base_url=service.url) as own:
        refused = own.post("/train", content=b"x" * 100_000, headers={"Content-Type": "text/plain"})
        assert (refused.status_code, refused.headers["Connection"]) == (415, "close")
        refused = own.post("/train", content=b"{", headers={"Content-Type": "application/json"})
        assert (refused.status_code, refused.headers["Connection"]) == (400, "keep-alive")


def test_a_stop_leaves_no_metrics_behind(new_service):
    service = new_service()
    assert service.files_of_metrics()
    service.stop()
    assert not list(service.temporary.iterdir())


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("DESCENT_PORT", "http", "give a port number, 0 to 65535"),
        ("DESCENT_STORE", "/dev/null", "The store cannot be used: File exists."),
    ],
)
def test_a_setting_that_cannot_be_used_stops_the_start_with_its_name(name, value, told):
    code = [sys.executable, "-m", "gunicorn"]
    environment = {"DESCENT_PORT": "0", name: value}
    started = subprocess.run(code, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert started.returncode != 0
    assert started.stderr.splitlines()[-1] == f"descent: {name}={value!r}: {told}"
    assert "Traceback" not in started.stderr
