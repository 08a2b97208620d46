"""One worker answers the long requests, through kills, reloads and changes of the number of workers."""

import io
import json
import os
import signal

import httpx
import numpy as np
import pytest
from running import wait_until


def npy(rows):
    """Return a body of x and y = 2x."""
    x = np.arange(float(rows))
    body = io.BytesIO()
    np.save(body, np.column_stack([x, 2 * x]))
    return body.getvalue()


def processes_that_answered(service, path, start):
    lines = map(json.loads, service.log.read_bytes()[start:].splitlines())
    return {line["pid"] for line in lines if line.get("path") == path}


def process_that_trains(service, body):
    """Return the process that answers a long training."""
    start = service.log.stat().st_size
    trained = service.post("/train", content=body, headers={"Content-Type": "application/x-npy"})
    assert trained.status_code == httpx.codes.CREATED
    [pid] = processes_that_answered(service, "/train", start)
    return pid


def processes_that_predict(service):
    start = service.log.stat().st_size
    for _ in range(40):
        assert service.post("/predict", json={"x": 3}).json()["y"] == pytest.approx(6)
    return processes_that_answered(service, "/predict", start)


def separate_trainer(service, body):
    """Return the process that answers long trainings, once it is none of those that predict."""
    found = []

    def is_separate():
        found.append(process_that_trains(service, body))
        return found[-1] not in processes_that_predict(service)

    wait_until(is_separate, what=lambda: "long requests have a worker of their own")
    return found[-1]


@pytest.mark.own_worker_class("has a worker for long requests")
def test_long_requests_have_a_worker_of_their_own_through_reloads_and_kills(new_service):
    service = new_service(DESCENT_WORKERS="2")
    wait_until(lambda: len(service.workers()) == 3, what=lambda: "there are two workers and one more")
    body = npy(70_000)
    first = separate_trainer(service, body)
    assert process_that_trains(service, body) == first

    os.kill(service.process.pid, signal.SIGHUP)
    wait_until(lambda: process_that_trains(service, body) != first, what=lambda: "another trains")
    wait_until(lambda: len(service.workers()) == 3, what=lambda: "the old ones are gone")
    second = separate_trainer(service, body)
    assert second != first

    os.kill(second, signal.SIGKILL)
    wait_until(lambda: second not in service.workers(), what=lambda: "the worker is gone")  # until then it has a socket
    assert process_that_trains(service, body) != second
    assert separate_trainer(service, body) != second


@pytest.mark.own_worker_class("has a worker for long requests")
def test_the_worker_for_long_requests_is_stopped_last(new_service):
    service = new_service(DESCENT_WORKERS="2")
    body = npy(70_000)
    first = separate_trainer(service, body)

    os.kill(service.process.pid, signal.SIGTTOU)
    wait_until(lambda: len(service.workers()) == 2, what=lambda: "one worker is gone")
    assert process_that_trains(service, body) == first
    assert first not in processes_that_predict(service)

    os.kill(service.process.pid, signal.SIGTTOU)
    wait_until(lambda: len(service.workers()) == 1, what=lambda: "another worker is gone")
    [last] = service.workers()
    assert {process_that_trains(service, body)} == processes_that_predict(service) == {last}

    os.kill(last, signal.SIGKILL)
    wait_until(lambda: service.workers() not in ([], [last]), what=lambda: "another worker has started")
    service.await_ready()
    assert {process_that_trains(service, body)} == processes_that_predict(service) == set(service.workers())
