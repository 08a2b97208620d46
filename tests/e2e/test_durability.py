"""Published versions survive concurrent trainings and kills."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

TUTORIAL = json.loads((Path(__file__).parents[2] / "docs/examples/tutorial.json").read_text("utf-8"))


def train(client, model, **body):
    response = client.post(f"/models/{model}/train", json=body)
    assert response.status_code == httpx.codes.CREATED, response.text
    return response.json()


def test_each_concurrent_training_publishes_its_own_version(client, service):
    def train_slope(i):
        with service.client() as own_client:
            return train(own_client, "contended", x=[0, 1], y=[0, i])

    with ThreadPoolExecutor(8) as pool:
        fits = list(pool.map(train_slope, range(40)))
    assert sorted(fit["version"] for fit in fits) == list(range(1, 41))
    for i, fit in enumerate(fits):
        answer = client.post(f"/models/contended/versions/{fit['version']}/predict", json={"x": 1})
        assert answer.json()["y"] == pytest.approx(i)


def test_a_kill_during_trainings_leaves_no_incomplete_version(new_service):
    service = new_service(DESCENT_WORKERS="2")
    published = []

    def keep_training():
        with service.client() as own_client:
            try:
                while True:
                    published.append(train(own_client, "m", **TUTORIAL)["version"])
            except httpx.TransportError:
                return

    with ThreadPoolExecutor(4) as pool:
        trainings = [pool.submit(keep_training) for _ in range(4)]
        while len(published) < 50:
            assert not any(training.done() for training in trainings)
        service.kill()
    service.start()
    with service.client() as client:
        versions = client.get("/models/m").json()["versions"]
        predictions = [client.post(f"/models/m/versions/{version}/predict", json={"x": 1}) for version in versions]
    assert set(published) <= set(versions)
    assert versions == list(range(1, len(versions) + 1))
    assert not list(service.store.glob("*/tmp-*"))
    for prediction in predictions:
        assert prediction.json()["y"] == pytest.approx(0.25998989 + 0.74766528, abs=1e-6)
