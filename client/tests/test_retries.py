import json
import socket
import threading
import time
from email.utils import formatdate

import httpx
import pytest
from fake_service import FIT, FakeService, ok, problem, respond_once

from descent import Client, Problem, Unreachable


def refused():
    """The error that httpx raises for a refused connection."""
    error = httpx.ConnectError("[Errno 111] Connection refused")
    error.__cause__ = ConnectionRefusedError(111, "Connection refused")
    return error


@pytest.mark.parametrize(
    "fault",
    [
        httpx.ConnectError("network is unreachable"),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("closed"),
        httpx.ConnectTimeout("timed out"),
        problem(503),
        problem(429),
    ],
    ids=["connect", "read", "protocol", "connect timeout", "503", "429"],
)
def test_lost_connections_and_busy_answers_are_retried_after_doubling_waits(fault, waits):
    service = FakeService(fault, fault, fault, ok({"model": "m"}))
    assert service.client().model("m") == {"model": "m"}
    assert len(service.requests) == 4
    assert all(0.1 * 2**i <= wait <= 0.2 * 2**i for i, wait in enumerate(waits))


def test_a_refused_connection_is_reported_at_once_with_a_hint(waits):
    service = FakeService(refused())
    with pytest.raises(
        Unreachable, match=r"^http://service refused the connection: .*\. Start one with `descent serve`"
    ):
        service.client().model("m")
    assert len(service.requests) == 1
    assert not waits


def test_a_port_without_a_listener_refuses_the_connection(waits):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        with pytest.raises(Unreachable, match=f"^{url} refused the connection"), Client(url) as client:
            client.model("m")
    assert not waits


def test_a_connection_that_a_server_closes_is_retried(waits):
    """The server closes the first connection without a response, and responds on the second."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            listener.accept()[0].close()
            respond_once(listener)

        thread = threading.Thread(target=serve)
        thread.start()
        with Client(f"http://127.0.0.1:{listener.getsockname()[1]}") as client:
            assert client.model("m") == {}
        thread.join()
    assert len(waits) == 1


def test_retries_end_after_the_given_number():
    lost = FakeService(httpx.ReadError("reset"))
    with pytest.raises(Unreachable, match=r"^http://service did not respond after 3 attempts: reset\.$"):
        lost.client(retries=2).model("m")
    assert len(lost.requests) == 3
    busy = FakeService(problem(429))
    with pytest.raises(Problem):
        busy.client(retries=0).model("m")
    assert len(busy.requests) == 1


@pytest.mark.parametrize(
    "fault",
    [httpx.ReadTimeout("timed out"), httpx.UnsupportedProtocol("gopher"), problem(500), problem(404)],
    ids=["read timeout", "protocol", "500", "404"],
)
def test_other_errors_are_not_retried(fault, waits):
    service = FakeService(fault)
    with pytest.raises((Unreachable, Problem)):
        service.client().model("m")
    assert len(service.requests) == 1
    assert not waits


@pytest.mark.parametrize(
    ("header", "waited"), [("7", 7), (formatdate(1030, usegmt=True), 30), (formatdate(970, usegmt=True), 0.15)]
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured(header, waited, status, waits, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    service = FakeService(problem(status, {"Retry-After": header}), ok({}))
    service.client().model("m")
    assert waits == [pytest.approx(waited, abs=0.06)]


def test_an_invalid_retry_after_is_ignored(waits):
    service = FakeService(problem(503, {"Retry-After": "soon"}), ok({}))
    service.client().model("m")
    assert waits[0] < 1


def test_a_wait_of_over_a_minute_is_not_waited(waits):
    with pytest.raises(Problem) as raised:
        FakeService(problem(429, {"Retry-After": "61"})).client().model("m")
    assert raised.value.retry_after == 61
    assert not waits


def test_a_retried_training_keeps_its_idempotency_key():
    service = FakeService(httpx.ReadError("reset"), problem(503), ok(FIT))
    service.client().train([1, 2], [2, 4], model="m")
    keys = {request.headers["Idempotency-Key"] for request in service.requests}
    assert len(service.requests) == 3
    assert len(keys) == 1
    service.client().train([1, 2], [2, 4], model="m")
    assert service.last.headers["Idempotency-Key"] not in keys
    assert json.loads(service.last.content) == {"x": [1, 2], "y": [2, 4]}
