"""Connections: refused bodies, request ids, and the end of a service whose master was killed."""

import contextlib
import json
import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from exchange import JSON, connect, exchange
from running import wait_until

POINTS = {"x": [1, 2, 4], "y": [1, 2, 3]}
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_response_before_the_body_was_read_closes_the_connection(service):
    with service.client() as client:
        refused = client.post("/train", content=b"x" * 100_000, headers={"Content-Type": "text/plain"})
        assert (refused.status_code, refused.headers["Connection"]) == (415, "close")
        refused = client.post("/train", content=b"{", headers={"Content-Type": "application/json"})
        assert (refused.status_code, refused.headers["Connection"]) == (400, "keep-alive")


@pytest.mark.parametrize(("path", "body"), [("train", POINTS), ("predict", {"x": 3}), ("predict", {"x": "three"})])
def test_the_request_id_is_returned_and_logged(service, path, body):
    service.post("/models/traced/train", json=POINTS)
    request_id = f"{path}-{type(body['x']).__name__}"
    headers = {"X-Request-ID": request_id, "traceparent": TRACEPARENT}
    response = service.post(f"/models/traced/{path}", json=body, headers=headers)
    assert response.headers["X-Request-ID"] == request_id
    assert "traceparent" not in response.headers

    def records():
        lines = map(json.loads, service.log.read_text("utf-8").splitlines())
        return [line for line in lines if line.get("request_id") == request_id]

    wait_until(records, what=lambda: "the request is logged")
    [record] = records()
    assert (record["path"], record["status"]) == (f"/models/traced/{path}", response.status_code)


def test_requests_without_an_id_get_one_each(service):
    service.post("/models/traced/train", json=POINTS)
    with service.client() as client:
        responses = [client.post("/models/traced/predict", json={"x": x}) for x in range(20)]
    assert len({response.headers["X-Request-ID"] for response in responses}) == 20


@pytest.mark.own_worker_class("checks whether its master lives while clients keep sending requests")
def test_clients_do_not_hold_the_port_after_the_master_was_killed(new_service):
    service = new_service(DESCENT_WORKERS="2", DESCENT_GRACEFUL_TIMEOUT_SECONDS="60")
    service.post("/models/m/train", json=POINTS)
    with ThreadPoolExecutor(4) as pool, contextlib.ExitStack() as stack:
        idle, busy = ([stack.enter_context(contextlib.closing(connect(service))) for _ in range(4)] for _ in range(2))
        for connection in idle:
            assert exchange(connection, {"request": "GET /livez"}).status == 200
        rounds = [pool.submit(predict_until_closed, connection) for connection in busy]
        os.kill(service.process.pid, signal.SIGKILL)
        service.process.wait()
        # Well below the graceful timeout, which only requests that are running may use.
        wait_until(lambda: is_free(service.port), what=lambda: "the port is free", timeout=20)
        for each in rounds:
            each.result()


def predict_until_closed(connection):
    """Predict on one connection until the service announces that it closes it."""
    predict = {"request": "POST /models/m/predict", "headers": JSON, "body": '{"x": 3}'}
    while True:
        response = exchange(connection, predict)
        assert response.status == 200
        if response.headers["Connection"] == "close":
            return


def is_free(port):
    with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
        return True
    return False
