"""Requests that arrive slowly wait in the event loop, and a limited number of them in threads."""

import socket
import time

import pytest
from worker_server import BODY, HEALTH, exchange, receive_response, request, wait_until

from service.server.worker import http_head
from service.server.worker.upload_limiter import UploadLimiter


def long_request(path="/train", more=b""):
    """The head and the body of a request whose body is too long for the event loop."""
    body = b" " * 300_000
    return request(body, path=path, more=more)[: -len(body)], body


def incomplete(server):
    """The number of requests that wait in the event loop."""
    return len(getattr(server.worker, "_read_deadlines", ()))


@pytest.mark.parametrize(
    "slow",
    [
        long_request(),
        (b"PUT /models/m/serving HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n", BODY),
        (request(more=b"Content-Encoding: gzip\r\n")[: -len(BODY)], BODY),
        (b"POST /train HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", b"8\r\n%b\r\n0\r\n\r\n" % BODY),
    ],
    ids=["long", "unusual", "compressed", "chunked"],
)
def test_slow_uploads_leave_a_thread_to_other_requests(server, slow):
    head, rest = slow
    clients = [server.connect() for _ in range(5)]
    for client in clients:
        client.sendall(head)
    for _ in range(3):
        assert exchange(server.connect(), HEALTH)[1] == b"slow "
    for client in clients:
        client.sendall(rest)
    for client in clients:
        assert receive_response(client)[1].strip() in (b"slow", b"slow " + BODY)


def test_waiting_uploads_are_answered_during_a_stop(server):
    head, body = long_request()
    clients = [server.connect() for _ in range(3)]
    for client in clients:
        client.sendall(head)
    wait_until(lambda: len(getattr(server.worker, "_upload_limiter", UploadLimiter(0, None))._waiting) == 2)
    server.worker.handle_exit(None, None)
    for client in clients:
        client.sendall(body)
    assert [receive_response(client)[1] for client in clients] == [b"slow " + body] * 3


def test_the_time_in_which_a_body_arrives_is_measured(server):
    client = server.connect()
    client.sendall(request()[: -len(BODY)])
    wait_until(lambda: incomplete(server))
    started = time.perf_counter()
    time.sleep(0.3)
    waited = time.perf_counter() - started
    exchange(client, BODY)
    assert server.fast_path.waits[0] >= waited


def test_incomplete_requests_hold_no_thread(serve):
    server = serve(threads=1)
    started = [
        b"P",
        request()[:30],
        request()[:-1],
        request(path="/train", length=100),
        request(more=b"Te: a\r\n")[:-12],
        request(more=b"Cookie: " + b"a" * 20_000),
    ]
    for data in (*started, request(b"null") + b"P", request(b"null") + request()[:-1]):
        server.connect().sendall(data)
    wait_until(lambda: incomplete(server) == len(started) + 2)
    assert len(server.app.threads) == 2
    assert exchange(server.connect(), request(b"null"))[1] == b"slow null"
    assert exchange(server.clients[0], request()[1:])[1] == b"fast 127.0.0.1 " + BODY
    for client, rest in zip(server.clients[-3:-1], (request()[1:], BODY[-1:]), strict=True):
        assert receive_response(client)[1] == b"slow null"
        assert exchange(client, rest)[1] == b"fast 127.0.0.1 " + BODY


def test_a_request_that_stops_arriving_ends_at_its_deadline(serve):
    server = serve(client_timeout_seconds=0.2)
    body, head, pipelined = server.connect(), server.connect(), server.connect()
    assert exchange(body, request(length=100))[1] == b"slow " + BODY
    head.sendall(b"P")
    assert head.recv(1) == b""
    assert exchange(pipelined, request(b"null") + b"P")[1] == b"slow null"
    assert pipelined.recv(1) == b""
    wait_until(lambda: server.worker.nr_conns <= 1)


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n\r\n",
        b"\r\n\r\nP",
        b"P" * (http_head.MAX_LINE_BYTES + 1),
        b"P\r\n\r\n",
        b"P\r\n" * http_head.MAX_HEAD_BYTES,
    ],
    ids=["empty", "empty and more", "long line", "short line", "too long"],
)
def test_bytes_that_cannot_become_a_head_are_refused_at_once(server, data):
    client = server.connect()
    client.sendall(data[: http_head.MAX_HEAD_BYTES])
    assert receive_response(client)[0].startswith(b"HTTP/1.1 4")


def test_a_client_that_ends_during_its_request_is_answered_by_a_thread(server):
    client = server.connect()
    client.sendall(request(length=100))
    client.shutdown(socket.SHUT_WR)
    assert receive_response(client)[1].startswith(b"slow")


def test_a_request_that_began_before_the_keepalive_timeout_is_answered_after_it(serve):
    server = serve(keepalive=1)
    new, kept, busy = server.connect(), server.connect(), server.connect()
    exchange(kept, request())
    started = time.monotonic()
    for client in (new, kept):
        client.sendall(request()[: -len(BODY)])
    while time.monotonic() < started + 1.5:
        exchange(busy, request())
    for client in (new, kept):
        assert exchange(client, BODY)[1].endswith(BODY)


def test_a_request_that_began_before_a_stop_is_answered(server):
    data = request(length=12)[: -len(BODY)]
    new, kept, early = server.connect(), server.connect(), server.connect()
    exchange(kept, request())
    for client in (new, kept):
        client.sendall(data)
    early.sendall(data[:1])
    wait_until(lambda: incomplete(server) == 3)
    server.worker.handle_exit(None, None)
    early.sendall(data[1:])
    for byte in BODY + b"   ":
        time.sleep(0.2)
        for client in (new, kept, early):
            client.sendall(bytes([byte]))
    for client in (new, kept, early):
        assert exchange(client, b" ")[1] == b"slow " + BODY + b"    "
