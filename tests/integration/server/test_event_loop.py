"""The event loop answers complete requests of the fast path, and leaves all others to threads."""

import pytest
from worker_server import BODY, SECONDS, exchange, receive, receive_response, request


def test_requests_of_the_fast_path_use_no_thread(server):
    client = server.connect()
    for _ in range(3):
        head, body = exchange(client, request())
        assert body == b"fast 127.0.0.1 " + BODY
        assert head.startswith(b"HTTP/1.1 200 OK\r\nServer: gunicorn\r\nDate: ")
        assert b"\r\nConnection: keep-alive\r\n" in head
    assert server.fast_path.threads == [server.thread] * 3
    assert server.app.threads == []


def test_the_body_may_arrive_in_pieces_after_the_head(server):
    client = server.connect()
    for _ in range(3):
        for piece in (request()[: -len(BODY)], BODY[:3], BODY[3:-1]):
            client.sendall(piece)
        assert exchange(client, BODY[-1:])[1] == b"fast 127.0.0.1 " + BODY
    assert server.app.threads == []


@pytest.mark.parametrize(
    "data",
    [
        request(b'{"x": null}'),
        request(b'{"x": 0}'),
        request(path="/train"),
        request(more=b"Content-Encoding: identity\r\n"),
        request(more=b"X-Forwarded-Proto: https\r\n"),
        request(more=b"Cookie: " + b"a" * 8000 + b"\r\n"),
        b'POST /predict HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{"x\r\n5\r\n": 5}\r\n0\r\n\r\n',
        request(b'{"x": [%s]}' % b", ".join([b"1"] * 100_000)),
    ],
)
def test_other_requests_are_answered_by_threads(server, data):
    client = server.connect()
    for _ in range(2):
        _, body = exchange(client, data)
        assert body.startswith(b"slow {")
        assert body.endswith(b"}")
        assert exchange(client, request())[1].startswith(b"fast")
    assert len(server.app.threads) == 2
    assert server.thread not in server.app.threads


def test_a_head_may_arrive_in_pieces(server):
    client = server.connect()
    for byte in request():
        client.sendall(bytes([byte]))
    assert receive_response(client)[1].endswith(BODY)


def test_pipelined_requests_are_answered_in_order(server):
    client = server.connect()
    client.sendall(request() + request(b'{"x": null}') + request(b'{"x": 7}'))
    received = b""
    while received.count(b'"x"') < 3:
        received += receive(client)
    positions = [received.index(body) for body in (BODY, b'{"x": null}', b'{"x": 7}')]
    assert positions == sorted(positions)


def test_the_last_pipelined_request_is_answered_on_the_fast_path(server):
    client = server.connect()
    client.sendall(request() + request(b'{"x": 7}'))
    received = b""
    while not received.endswith(b'{"x": 7}'):
        received += receive(client)
    assert [part.partition(b"\r\n\r\n")[2] for part in received.split(b"HTTP/1.1 200 OK")[1:]] == [
        b"slow " + BODY,
        b'fast 127.0.0.1 {"x": 7}',
    ]
    assert exchange(client, request())[1] == b"fast 127.0.0.1 " + BODY


@pytest.mark.parametrize("step", ["prepare", "execute"])
def test_an_exception_of_the_fast_path_is_logged_and_the_slow_path_answers(step, server, logged):
    setattr(server.fast_path, step, lambda *_: 1 / 0)
    client = server.connect()
    for _ in range(2):
        assert exchange(client, request())[1] == b"slow " + BODY
    assert "ZeroDivisionError" in logged.text


def test_a_response_larger_than_the_send_buffer_is_sent_by_a_thread(server):
    server.fast_path.padding = b"." * 20_000_000
    client = server.connect()
    for _ in range(2):
        assert len(exchange(client, request())[1]) > 20_000_000
    assert server.app.threads == []
    client.sendall(request(more=b"Connection: close\r\n"))
    assert len(receive_response(client)[1]) > 20_000_000
    assert client.recv(1) == b""


def test_a_proxy_protocol_is_left_to_gunicorn(serve):
    server = serve(proxy_protocol="v1", proxy_allow_ips="*")
    client = server.connect()
    assert exchange(client, b"PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\n" + request())[1] == b"slow " + BODY
    assert exchange(client, request())[1] == b"slow " + BODY


def test_an_app_without_a_fast_path_is_served_by_threads_alone(serve):
    server = serve(has_fast_path=False)
    client = server.connect()
    for _ in range(2):
        assert exchange(client, request())[1] == b"slow " + BODY
    assert exchange(client, request(more=b"Connection: close\r\n"))[1] == b"slow " + BODY
    assert client.recv(1) == b""
    assert server.thread not in server.app.threads
    server.worker.handle_exit(None, None)
    server.thread.join(SECONDS)
    assert not server.thread.is_alive()
