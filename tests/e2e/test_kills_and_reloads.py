"""Kills, reloads and restarts lose no answered request and count none twice."""

import contextlib
import itertools
import os
import random
import signal
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from running import WORKERS, samples, wait_until


def disturbances(answered, total):
    """Yield a number after each 15 answers up to `total`, so that disturbances follow progress at any speed."""
    for number in itertools.count(1):
        done = len(answered)
        wait_until(lambda done=done: len(answered) >= min(done + 15, total), what=lambda: "there is progress")
        if len(answered) >= total:
            return
        yield number


def kill_workers(service, dice, at_most):
    """Kill a random number of workers at once."""
    workers = service.workers()
    for process in dice.sample(workers, min(len(workers), dice.randint(1, at_most))):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def keep_training(service, answered, count):
    """Train until `count` trainings are answered, through failures of workers."""
    with service.client() as client:
        while len(answered) < count:
            with contextlib.suppress(httpx.TransportError):
                answer = client.post("/models/m/train", json={"x": [0, 1, 2], "y": [1, 3, 5]})
                if answer.status_code == httpx.codes.CREATED:
                    answered.append(answer.json()["version"])


def append_each(service, rows, appended, failures):
    """Append rows one at a time with an idempotency key each, until each is answered."""
    with service.client() as client:
        for x, y in rows:
            while True:
                try:
                    body = {"x": [x], "y": [y], "append": True}
                    answer = client.post("/models/m/train", json=body, headers={"Idempotency-Key": f"row {x}"})
                except httpx.TransportError:
                    failures.append(x)
                    continue
                if answer.status_code == httpx.codes.CREATED:
                    appended.append(x)
                    break
                assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, answer.text


def test_200_concurrent_appends_through_kills_count_once_each(new_service):
    service = new_service(DESCENT_WORKERS=str(WORKERS))
    dice = random.Random(4)
    points = [(float(i), 3 * i + dice.gauss(0, 1)) for i in range(210)]
    start, rest = points[:10], points[10:]
    service.post("/models/m/train", json=dict(zip("xy", zip(*start, strict=True), strict=True)))
    appended, failures = [], []
    with ThreadPoolExecutor(8) as pool:
        appends = [pool.submit(append_each, service, rest[i::8], appended, failures) for i in range(8)]
        for _ in disturbances(appended, 200):
            kill_workers(service, dice, at_most=WORKERS)
    for append in appends:
        append.result()
    merged = service.post("/models/m/train", json={"x": [0], "y": [0], "append": True, "dry_run": True}).json()
    assert merged["n"] == 211
    newest = service.get("/models/m").json()["versions"][-1]
    fit = service.get(f"/models/m/versions/{newest}").json()
    x, y = zip(*points, strict=True)
    whole = service.post("/models/whole/train", json={"x": x, "y": y}).json()
    assert (fit["n"], newest) == (210, 201)
    largest = max(abs(whole["w"]), abs(whole["b"]))
    assert (fit["w"], fit["b"]) == pytest.approx((whole["w"], whole["b"]), abs=1e-11 * largest)
    assert fit["optimum"]["rss"] == pytest.approx(whole["optimum"]["rss"], rel=1e-11)
    assert failures, "no kill hit a request"


def test_kills_and_reloads_through_500_trainings_lose_and_double_nothing(new_service):
    service = new_service(DESCENT_WORKERS=str(WORKERS))
    answered, dice = [], random.Random(20)
    with ThreadPoolExecutor(8) as pool:
        trainings = [pool.submit(keep_training, service, answered, 500) for _ in range(8)]
        for number in disturbances(answered, 500):
            if number % 5 == 4:
                os.kill(service.process.pid, signal.SIGHUP)
            else:
                kill_workers(service, dice, at_most=1)
        assert number > 5
    for training in trainings:
        training.result()

    assert len(set(answered)) == len(answered)
    slots = [name for name in service.files_of_metrics() if name.endswith(".slot")]
    files = [name for name in service.files_of_metrics() if name.endswith(".db")]
    assert len(slots) <= 3 * (WORKERS + 1), "more than those that serve, those that finish and those that start"
    assert len(files) <= len(slots) * len({"counter", "gauge", "histogram"})

    service.stop()
    service.start()
    assert not list(service.store.glob("*/tmp-*"))
    versions = service.get("/models/m").json()["versions"]
    assert set(answered) <= set(versions)
    with service.client() as client:
        for version in answered:
            assert client.post(f"/models/m/versions/{version}/predict", json={"x": 1}).json()["y"] == pytest.approx(3)


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP], ids=["stop", "reload"])
def test_running_requests_are_finished(new_service, sent):
    service = new_service(
        DESCENT_WORKERS="1", DESCENT_MAX_AUTOGRAD_EPOCHS="1000000", DESCENT_GRACEFUL_TIMEOUT_SECONDS="300"
    )
    body = {"x": [0, 1], "y": [0, 1], "method": "autograd", "epochs": 20_000}
    in_progress = lambda: samples(service)["descent_http_requests_in_progress"] == 2  # noqa: E731
    with ThreadPoolExecutor(1) as pool:
        training = pool.submit(service.post, "/train", json=body, timeout=300)
        wait_until(in_progress, what=lambda: "the training is under way")
        os.kill(service.process.pid, sent)
        assert training.result().status_code == httpx.codes.CREATED
    if sent == signal.SIGHUP:
        service.await_ready()
        assert service.post("/predict", json={"x": 1}).json()["version"] == 1
    else:
        assert service.process.wait(60) == 0


def test_a_start_sweeps_the_metrics_of_a_service_that_was_killed(new_service):
    service = new_service(DESCENT_WORKERS="1")
    [killed] = service.temporary.glob("descent-metrics-*")
    service.kill()
    service.start()
    [used] = service.temporary.glob("descent-metrics-*")
    assert used != killed
    service.stop()
    assert list(service.temporary.iterdir()) == []
