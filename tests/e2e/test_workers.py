"""Many workers behave as one: reads see writes, counts are whole, and kills, reloads and restarts lose nothing."""

import contextlib
import io
import itertools
import json
import os
import random
import re
import select
import shutil
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
from running import wait_until

WORKERS = 4


def samples(url):
    lines = [line for line in httpx.get(f"{url}/metrics").text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def scrapes_of_every_worker(service):
    """Scrapes over new connections until the log shows that every worker has answered one."""
    found, seen = [], set()
    start = service.log.stat().st_size
    while len(seen) < WORKERS:
        found.append(samples(service.url))
        lines = service.log.read_bytes()[start:].splitlines()
        seen = {line["pid"] for line in map(json.loads, lines) if line.get("path") == "/metrics"}
        assert len(found) < 2000
    return found


def train_and_predict(url, model, times):
    """Train, and check after each that the prediction is as new, over connections that lead to several workers."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(httpx.Client(base_url=url, timeout=60)) for _ in range(8)]
        for trainer, reader in itertools.islice(zip(itertools.cycle(clients), itertools.cycle(clients[3:])), times):
            fit = trainer.post(f"/models/{model}/train", json={"x": [0, 1], "y": [0, 1]}).json()
            answer = reader.post(f"/models/{model}/predict", json={"x": 1}).json()
            assert answer["version"] >= fit["version"]


def test_a_thousand_pairs_of_clients_see_their_own_trainings_and_are_counted_once(new_service):
    service = new_service(DESCENT_WORKERS=str(WORKERS))
    models = ["shared", "shared", "own", "other"]
    with ThreadPoolExecutor(len(models)) as pool:
        list(pool.map(lambda model: train_and_predict(service.url, model, 250), models))

    for scrape in scrapes_of_every_worker(service):
        assert scrape['descent_trainings_total{outcome="published"}'] == 1000
        assert scrape["descent_training_duration_seconds_count"] == 1000
        assert scrape["descent_predict_duration_seconds_count"] == 1000
        assert scrape['descent_predictions_total{model="shared"}'] == 500
        assert scrape['descent_predictions_total{model="own"}'] == 250
        assert scrape['descent_model_version{model="shared"}'] == 500
        assert not any('pid="' in name for name in scrape)

    before = samples(service.url)
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
        httpx.post(f"{service.url}/models/m/train", json={"x": [0, 1], "y": [0, slope]})
    config = service.store / "m/config.pbtxt"
    config.write_text(config.read_text().replace("latest { num_versions: 1 }", "specific { versions: [ 1 ] }"))
    predicted = lambda by: by.post(f"{service.url}/models/m/predict", json={"x": 1}).json()["version"]  # noqa: E731
    with httpx.Client() as kept:  # whose requests are answered in the worker's loop, without a thread that looks
        for client in (kept, httpx):
            wait_until(lambda by=client: [predicted(by) for _ in range(20)] == [1] * 20, what=lambda: "1 serves")
        shutil.rmtree(service.store / "m")
        gone = lambda: kept.post(f"{service.url}/models/m/predict", json={"x": 1}).status_code == 404  # noqa: E731
        wait_until(lambda: all(gone() for _ in range(20)), what=lambda: "the model is gone")


def test_trainings_of_different_models_do_not_get_in_each_others_way(new_service):
    service = new_service(DESCENT_WORKERS="2")

    def train(number):
        with httpx.Client(base_url=service.url, timeout=60) as client:
            return [
                client.post(f"/models/{model}/train", json={"x": [0, 1], "y": [0, number]}).status_code
                for model in ("one", "other") * 15
            ]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(train, range(8))) == [[httpx.codes.CREATED] * 30] * 8


def disturbances(answered, total):
    """A number each time that 15 more are answered, until all are: what disturbs comes by progress, however fast."""
    for number in itertools.count(1):
        done = len(answered)
        wait_until(lambda done=done: len(answered) >= min(done + 15, total), what=lambda: "there is progress")
        if len(answered) >= total:
            return
        yield number


def kill_workers(service, dice, at_most):
    """Kill one worker or several at once, as the dice say."""
    workers = service.workers()
    for process in dice.sample(workers, min(len(workers), dice.randint(1, at_most))):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def keep_training(service, answered, count):
    """Train until `count` answers came, through failures of workers."""
    with httpx.Client(base_url=service.url, timeout=60) as client:
        while len(answered) < count:
            with contextlib.suppress(httpx.TransportError):
                answer = client.post("/models/m/train", json={"x": [0, 1, 2], "y": [1, 3, 5]})
                if answer.status_code == httpx.codes.CREATED:
                    answered.append(answer.json()["version"])


def append_each(service, rows, appended, failures):
    """Append one row at a time, each under a key of its own, until each is answered."""
    with httpx.Client(base_url=service.url, timeout=60) as client:
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
    httpx.post(f"{service.url}/models/m/train", json=dict(zip("xy", zip(*start, strict=True), strict=True)))
    appended, failures = [], []
    with ThreadPoolExecutor(8) as pool:
        appends = [pool.submit(append_each, service, rest[i::8], appended, failures) for i in range(8)]
        for _ in disturbances(appended, 200):
            kill_workers(service, dice, at_most=WORKERS)
    for append in appends:
        append.result()
    merged = httpx.post(
        f"{service.url}/models/m/train", json={"x": [0], "y": [0], "append": True, "dry_run": True}
    ).json()
    assert merged["n"] == 211
    newest = httpx.get(f"{service.url}/models/m").json()["versions"][-1]
    fit = httpx.get(f"{service.url}/models/m/versions/{newest}").json()
    x, y = zip(*points, strict=True)
    whole = httpx.post(f"{service.url}/models/whole/train", json={"x": x, "y": y}).json()
    assert (fit["n"], newest) == (210, 201)
    largest = max(abs(whole["w"]), abs(whole["b"]))
    assert (fit["w"], fit["b"]) == pytest.approx((whole["w"], whole["b"]), abs=1e-11 * largest)
    assert fit["optimum"]["rss"] == pytest.approx(whole["optimum"]["rss"], rel=1e-11)
    assert failures, "the kills hit nobody"


def test_a_pinned_version_answers_from_every_worker_while_others_train_on(new_service):
    service = new_service(DESCENT_WORKERS=str(WORKERS))
    httpx.post(f"{service.url}/models/m/train", json={"x": [0, 1], "y": [0, 1]})
    httpx.put(f"{service.url}/models/m/serving", json={"version": 1})
    assert "specific { versions: [ 1 ] }" in (service.store / "m/config.pbtxt").read_text()

    def train_on(slope):
        fit = httpx.post(f"{service.url}/models/m/train", json={"x": [0, 1], "y": [0, slope]}).json()
        assert fit["serving"] == 1

    with ThreadPoolExecutor(4) as pool:
        trainings = [pool.submit(train_on, slope) for slope in range(2, 42)]
        answers = [httpx.post(f"{service.url}/models/m/predict", json={"x": 1}).json() for _ in range(80)]
    for training in trainings:
        training.result()
    assert [(answer["version"], answer["y"]) for answer in answers] == [(1, pytest.approx(1))] * 80
    httpx.delete(f"{service.url}/models/m/serving")
    assert [httpx.post(f"{service.url}/models/m/predict", json={"x": 1}).json()["version"] for _ in range(20)] == [
        41
    ] * 20


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
    versions = httpx.get(f"{service.url}/models/m").json()["versions"]
    assert set(answered) <= set(versions)
    with httpx.Client(base_url=service.url, timeout=60) as client:
        for version in answered:
            assert client.post(f"/models/m/versions/{version}/predict", json={"x": 1}).json()["y"] == pytest.approx(3)


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP], ids=["stop", "reload"])
def test_what_is_in_flight_is_finished(new_service, sent):
    service = new_service(
        DESCENT_WORKERS="1", DESCENT_MAX_AUTOGRAD_EPOCHS="1000000", DESCENT_GRACEFUL_TIMEOUT_SECONDS="300"
    )
    body = {"x": [0, 1], "y": [0, 1], "method": "autograd", "epochs": 20_000}
    in_progress = lambda: samples(service.url)["descent_http_requests_in_progress"] == 2  # noqa: E731
    with ThreadPoolExecutor(1) as pool:
        training = pool.submit(httpx.post, f"{service.url}/train", json=body, timeout=300)
        wait_until(in_progress, what=lambda: "the training is under way")
        os.kill(service.process.pid, sent)
        assert training.result().status_code == httpx.codes.CREATED
    if sent == signal.SIGHUP:
        service.await_ready()
        assert httpx.post(f"{service.url}/predict", json={"x": 1}).json()["version"] == 1
    else:
        assert service.process.wait(60) == 0


def test_every_forked_worker_predicts(new_service):
    service = new_service(DESCENT_WORKERS=str(WORKERS))
    httpx.post(f"{service.url}/train", json={"x": [0, 1], "y": [1, 3]})
    answered = set()
    deadline = time.monotonic() + 60

    def predict(_):
        return httpx.post(f"{service.url}/predict", json={"x": 2}).json()["y"]

    while len(answered) < WORKERS:
        assert time.monotonic() < deadline
        with ThreadPoolExecutor(4 * WORKERS) as pool:  # one after the other, they may all come to the same worker
            assert list(pool.map(predict, range(8 * WORKERS))) == pytest.approx([5] * 8 * WORKERS)
        lines = map(json.loads, service.log.read_text().splitlines())
        answered = {line["pid"] for line in lines if line.get("path") == "/predict"}


def test_a_start_sweeps_the_metrics_of_a_service_that_was_killed(new_service):
    service = new_service(DESCENT_WORKERS="1")
    [killed] = service.temporary.glob("descent-metrics-*")
    service.kill()
    service.start()
    [used] = service.temporary.glob("descent-metrics-*")
    assert used != killed
    service.stop()
    assert list(service.temporary.iterdir()) == []


def test_a_request_is_one_line_of_json_without_its_data(new_service):
    service = new_service(DESCENT_WORKERS="1")
    body = {"x": [123456.75, 2], "y": [1, 2]}
    given = httpx.post(f"{service.url}/train", json=body, headers={"X-Request-ID": "abc-1"})
    taken = httpx.post(f"{service.url}/train", json=body, headers={"X-Request-ID": "a b\tc"})
    assert given.headers["X-Request-ID"] == "abc-1"
    assert re.fullmatch("[0-9a-f]{16}", taken.headers["X-Request-ID"])
    lines = [json.loads(line) for line in service.log.read_text().splitlines()]
    assert [line["path"] for line in lines if line["logger"] != "gunicorn.error"] == ["/readyz", "/train", "/train"]
    line = lines[-2]
    assert line["request_id"] == "abc-1"
    assert (line["method"], line["path"], line["model"], line["status"]) == ("POST", "/train", "default", 201)
    assert line["ms"] > 0
    assert "123456.75" not in service.log.read_text()


def test_quick_requests_go_unlogged_by_a_setting(new_service):
    service = new_service(DESCENT_WORKERS="1", DESCENT_LOG_MIN_DURATION_MS="10000")
    httpx.post(f"{service.url}/train", json={"x": [1, 2], "y": [1, 2]})
    lines = [json.loads(line) for line in service.log.read_text().splitlines()]
    assert {line["logger"] for line in lines} == {"gunicorn.error"}


def npy(rows):
    """A body of x and y, y = 2x."""
    x = np.arange(float(rows))
    body = io.BytesIO()
    np.save(body, np.column_stack([x, 2 * x]))
    return body.getvalue()


def processes_that_answered(service, path, start):
    lines = map(json.loads, service.log.read_bytes()[start:].splitlines())
    return {line["pid"] for line in lines if line.get("path") == path}


def process_that_trains(service, body):
    """The process that a long training was answered by."""
    start = service.log.stat().st_size
    trained = httpx.post(f"{service.url}/train", content=body, headers={"Content-Type": "application/x-npy"})
    assert trained.status_code == httpx.codes.CREATED
    [pid] = processes_that_answered(service, "/train", start)
    return pid


def processes_that_predict(service):
    start = service.log.stat().st_size
    for _ in range(40):
        assert httpx.post(f"{service.url}/predict", json={"x": 3}).json()["y"] == pytest.approx(6)
    return processes_that_answered(service, "/predict", start)


def trainer_apart(service, body):
    """The process that long trainings are answered by, once it is none of those that predict."""
    found = []

    def is_apart():
        found.append(process_that_trains(service, body))
        return found[-1] not in processes_that_predict(service)

    wait_until(is_apart, what=lambda: "long requests have a worker of their own")
    return found[-1]


@pytest.mark.own_worker_class("has a worker for long requests")
def test_long_requests_have_a_worker_of_their_own_through_reloads_and_kills(new_service):
    service = new_service(DESCENT_WORKERS="2")
    wait_until(lambda: len(service.workers()) == 3, what=lambda: "there are two workers and one more")
    body = npy(70_000)
    first = trainer_apart(service, body)
    assert process_that_trains(service, body) == first

    os.kill(service.process.pid, signal.SIGHUP)
    wait_until(lambda: process_that_trains(service, body) != first, what=lambda: "another trains")
    wait_until(lambda: len(service.workers()) == 3, what=lambda: "the old ones are gone")
    second = trainer_apart(service, body)
    assert second != first

    os.kill(second, signal.SIGKILL)
    assert process_that_trains(service, body) != second
    assert trainer_apart(service, body) != second


@pytest.mark.own_worker_class("has a worker for long requests")
def test_with_fewer_workers_long_requests_keep_theirs_until_one_is_left(new_service):
    service = new_service(DESCENT_WORKERS="2")
    body = npy(70_000)
    first = trainer_apart(service, body)

    os.kill(service.process.pid, signal.SIGTTOU)
    wait_until(lambda: len(service.workers()) == 2, what=lambda: "one worker is gone")
    assert process_that_trains(service, body) == first
    assert first not in processes_that_predict(service)

    os.kill(service.process.pid, signal.SIGTTOU)
    wait_until(lambda: len(service.workers()) == 1, what=lambda: "another worker is gone")
    [last] = service.workers()
    assert {process_that_trains(service, body)} == processes_that_predict(service) == {last}

    os.kill(last, signal.SIGKILL)
    wait_until(lambda: service.workers() not in ([], [last]), what=lambda: "another worker is there")
    service.await_ready()
    assert {process_that_trains(service, body)} == processes_that_predict(service) == set(service.workers())


@pytest.mark.parametrize("worker_class", ["gthread", "sync"])
def test_other_classes_of_workers_serve_too(new_service, worker_class):
    service = new_service(GUNICORN_CMD_ARGS=f"--worker-class {worker_class}", DESCENT_WORKERS="2")
    x = list(range(200_000))
    fit = httpx.post(f"{service.url}/train", json={"x": x, "y": x}, timeout=60)
    assert int(fit.request.headers["Content-Length"]) > 1_000_000
    assert fit.status_code == httpx.codes.CREATED
    assert httpx.post(f"{service.url}/predict", json={"x": 3}).json()["y"] == pytest.approx(3)


@pytest.mark.own_worker_class("receives requests without a thread")
@pytest.mark.parametrize(
    "head",
    [
        b"PUT /models/m/serving HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n",
        b"POST /train HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 300000\r\n\r\n",
        b"POST /train HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2000000\r\n\r\n",
        b"POST /train HTTP/1.1\r\nHost: a\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
    ids=["unusual", "long", "very long", "chunked"],
)
def test_health_checks_are_answered_whatever_others_still_send(new_service, head):
    service = new_service(DESCENT_WORKERS="2", DESCENT_CLIENT_TIMEOUT_SECONDS="60")
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(socket.create_connection(("127.0.0.1", service.port))) for _ in range(24)]
        for connection in slow:
            connection.sendall(head)
        for path in ("livez", "readyz", "metrics") * 4:
            assert httpx.get(f"{service.url}/{path}", timeout=60).status_code == httpx.codes.OK
        assert select.select(slow, [], [], 0)[0] == [], "none of them has ended meanwhile"
