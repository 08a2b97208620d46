"""Many workers behave as one: reads see writes, and counts are complete."""

import contextlib
import itertools
import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from running import WORKERS, samples, wait_until


def scrapes_of_every_worker(service):
    """Scrapes over new connections until the log shows that every worker has answered one."""
    found, seen = [], set()
    start = service.log.stat().st_size
    while len(seen) < WORKERS:
        found.append(samples(service))
        lines = service.log.read_bytes()[start:].splitlines()
        seen = {line["pid"] for line in map(json.loads, lines) if line.get("path") == "/metrics"}
        assert len(found) < 2000
    return found


def train_and_predict(service, model, times):
    """Train over several connections, and check after each training that predictions use it or a newer one."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(service.client()) for _ in range(8)]
        for trainer, reader in itertools.islice(zip(itertools.cycle(clients), itertools.cycle(clients[3:])), times):
            fit = trainer.post(f"/models/{model}/train", json={"x": [0, 1], "y": [0, 1]}).json()
            answer = reader.post(f"/models/{model}/predict", json={"x": 1}).json()
            assert answer["version"] >= fit["version"]


def test_clients_see_their_own_trainings_and_are_counted_once(new_service):
    service = new_service(DESCENT_WORKERS=str(WORKERS))
    models = ["shared", "shared", "own", "other"]
    with ThreadPoolExecutor(len(models)) as pool:
        list(pool.map(lambda model: train_and_predict(service, model, 250), models))

    for scrape in scrapes_of_every_worker(service):
        assert scrape['descent_trainings_total{outcome="published"}'] == 1000
        assert scrape["descent_training_duration_seconds_count"] == 1000
        assert scrape["descent_predict_duration_seconds_count"] == 1000
        assert scrape['descent_predictions_total{model="shared"}'] == 500
        assert scrape['descent_predictions_total{model="own"}'] == 250
        assert scrape['descent_model_version{model="shared"}'] == 500
        assert not any('pid="' in name for name in scrape)

    before = samples(service)
    service.stop()
    service.start()
    for after in scrapes_of_every_worker(service):
        for model in set(models):
            name = f'descent_training_loss{{model="{model}"}}'
            assert after[name] == before[name]
        assert after['descent_trainings_total{outcome="published"}'] == 0


def test_pins_by_another_process_are_seen_within_the_refresh(new_service):
    service = new_service(DESCENT_STORE_REFRESH_SECONDS="1")
    for slope in (1, 2):
        service.post("/models/m/train", json={"x": [0, 1], "y": [0, slope]})
    config = service.store / "m/config.pbtxt"
    config.write_text(config.read_text().replace("latest { num_versions: 1 }", "specific { versions: [ 1 ] }"))
    predicted = lambda by: by.post("/models/m/predict", json={"x": 1}).json()["version"]  # noqa: E731
    with service.client() as kept:  # the fast path answers its requests without reading the store
        for client in (kept, service):
            wait_until(lambda by=client: [predicted(by) for _ in range(20)] == [1] * 20, what=lambda: "1 serves")
        shutil.rmtree(service.store / "m")
        gone = lambda: kept.post("/models/m/predict", json={"x": 1}).status_code == 404  # noqa: E731
        wait_until(lambda: all(gone() for _ in range(20)), what=lambda: "the model is gone")


def test_trainings_of_different_models_are_independent(new_service):
    service = new_service(DESCENT_WORKERS="2")

    def train(number):
        with service.client() as client:
            return [
                client.post(f"/models/{model}/train", json={"x": [0, 1], "y": [0, number]}).status_code
                for model in ("one", "other") * 15
            ]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(train, range(8))) == [[httpx.codes.CREATED] * 30] * 8


def test_a_pinned_version_answers_from_every_worker_during_trainings(new_service):
    service = new_service(DESCENT_WORKERS=str(WORKERS))
    service.post("/models/m/train", json={"x": [0, 1], "y": [0, 1]})
    service.request("PUT", "/models/m/serving", json={"version": 1})
    assert "specific { versions: [ 1 ] }" in (service.store / "m/config.pbtxt").read_text()

    def train_on(slope):
        fit = service.post("/models/m/train", json={"x": [0, 1], "y": [0, slope]}).json()
        assert fit["serving"] == 1

    with ThreadPoolExecutor(4) as pool:
        trainings = [pool.submit(train_on, slope) for slope in range(2, 42)]
        answers = [service.post("/models/m/predict", json={"x": 1}).json() for _ in range(80)]
    for training in trainings:
        training.result()
    assert [(answer["version"], answer["y"]) for answer in answers] == [(1, pytest.approx(1))] * 80
    service.request("DELETE", "/models/m/serving")
    assert [service.post("/models/m/predict", json={"x": 1}).json()["version"] for _ in range(20)] == [41] * 20


def test_every_forked_worker_predicts(new_service):
    service = new_service(DESCENT_WORKERS=str(WORKERS))
    service.post("/train", json={"x": [0, 1], "y": [1, 3]})
    answered = set()
    deadline = time.monotonic() + 60

    def predict(_):
        return service.post("/predict", json={"x": 2}).json()["y"]

    while len(answered) < WORKERS:
        assert time.monotonic() < deadline
        with ThreadPoolExecutor(4 * WORKERS) as pool:  # one after the other, they may all come to the same worker
            assert list(pool.map(predict, range(8 * WORKERS))) == pytest.approx([5] * 8 * WORKERS)
        lines = map(json.loads, service.log.read_text().splitlines())
        answered = {line["pid"] for line in lines if line.get("path") == "/predict"}


@pytest.mark.parametrize("worker_class", ["gthread", "sync"])
def test_other_classes_of_workers_serve_too(new_service, worker_class):
    service = new_service(GUNICORN_CMD_ARGS=f"--worker-class {worker_class}", DESCENT_WORKERS="2")
    x = list(range(200_000))
    fit = service.post("/train", json={"x": x, "y": x}, timeout=60)
    assert int(fit.request.headers["Content-Length"]) > 1_000_000
    assert fit.status_code == httpx.codes.CREATED
    assert service.post("/predict", json={"x": 3}).json()["y"] == pytest.approx(3)
