"""Long requests are passed on to the worker for them, with the bytes that were read."""

import gzip
import sys
import zlib

import pyarrow as pa
import pytest
from worker_server import BODY, exchange, receive, receive_response, refuse_file, request, wait_until

from service.server.worker import acceptor

LONG = 1_000_000

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="sequenced-packet sockets and priorities of threads are Linux's"
)


def send_in_two(client, data):
    """Send the head of a request and a little of its body, and then the rest."""
    client.sendall(data[:1000])
    client.sendall(data[1000:])


def test_a_long_request_is_answered_by_the_worker_for_long_requests(short_server, long_server):
    body = b"[" + b"1," * (LONG // 2) + b"1]"
    client = short_server.connect()
    assert exchange(client, request())[1] == b"fast 127.0.0.1 " + BODY
    send_in_two(client, request(body))
    head, answered = receive_response(client)
    assert answered == b"slow " + body
    assert b"\r\nConnection: close\r\n" in head
    assert client.recv(1) == b""
    assert short_server.app.threads == []
    assert len(long_server.app.threads) == 1
    assert exchange(short_server.connect(), request())[1] == b"fast 127.0.0.1 " + BODY
    wait_until(lambda: long_server.worker.nr_conns == 0)


@pytest.mark.parametrize("size", [5000, 100_000])
def test_a_long_request_with_a_large_head_is_passed_on(short_server, long_server, size):
    cookies = b"".join(b"Cookie: %b\r\n" % (b"a" * 5000) for _ in range(size // 5000))
    body = b"1" * LONG
    data = request(body, more=cookies)
    client = short_server.connect()
    client.sendall(data[:4000])
    wait_until(lambda: len(getattr(short_server.worker, "_read_deadlines", ())) == 1)
    client.sendall(data[4000:])
    assert receive_response(client)[1] == b"slow " + body
    assert len(long_server.app.threads) == 1


def test_a_large_compressed_body_is_passed_on_by_its_head(short_server, long_server):
    body = b"1" * (1 << 16)
    client = short_server.connect()
    assert exchange(client, request(body, more=b"Content-Encoding: gzip\r\n"))[1] == b"slow " + body
    assert len(long_server.app.threads) == 1


COMPRESSORS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": lambda body: pa.compress(body, "zstd", asbytes=True),
}


@pytest.mark.parametrize("encoding", COMPRESSORS)
@pytest.mark.parametrize(("size", "is_passed_on"), [(LONG - 1, False), (LONG, True)])
def test_a_small_compressed_body_is_passed_on_if_it_is_long(short_server, long_server, encoding, size, is_passed_on):
    body = COMPRESSORS[encoding](b"1" * size)
    client = short_server.connect()
    client.sendall(request(body, more=b"Content-Encoding: %b\r\n" % encoding.encode()))
    assert receive_response(client)[1] == b"slow " + body
    assert (len(short_server.app.threads), len(long_server.app.threads)) == (int(not is_passed_on), int(is_passed_on))


def test_a_connection_is_kept_after_a_small_compressed_body(short_server, long_server):
    client = short_server.connect()
    for _ in range(2):
        body = gzip.compress(BODY)
        assert exchange(client, request(body, more=b"Content-Encoding: gzip\r\n"))[1] == b"slow " + body
        assert exchange(client, request())[1] == b"fast 127.0.0.1 " + BODY


def test_a_broken_compressed_body_is_not_passed_on(short_server, long_server):
    for encoding in COMPRESSORS:
        answered = exchange(short_server.connect(), request(more=b"Content-Encoding: %b\r\n" % encoding.encode()))
        assert answered[1] == b"slow " + BODY
    assert long_server.app.threads == []


def test_short_requests_are_not_passed_on(short_server, long_server):
    body = b"[" + b"1," * 300_000 + b"1]"
    assert exchange(short_server.connect(), request(body))[1] == b"slow " + body
    assert exchange(short_server.connect(), request(b"null"))[1] == b"slow null"
    assert long_server.app.threads == []


def test_a_client_that_expects_100_continue_receives_it(short_server, long_server):
    body = b"1" * LONG
    data = request(body, more=b"Expect: 100-continue\r\n")
    client = short_server.connect()
    client.sendall(data[: -len(body)])
    assert receive(client).startswith(b"HTTP/1.1 100 Continue\r\n")
    assert exchange(client, body)[1] == b"slow " + body
    assert len(long_server.app.threads) == 1


def test_a_body_of_unknown_length_is_passed_on(short_server, long_server):
    head = b"POST /train HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    client = short_server.connect()
    client.sendall(head + b"3\r\nabc\r\n")
    assert exchange(client, b"2\r\nde\r\n0\r\n\r\n")[1] == b"slow abcde"
    assert len(long_server.app.threads) == 1


def test_without_a_worker_for_long_requests_a_worker_answers_them_itself(short_server, long_server):
    long_server.stop()
    body = b"1" * LONG
    assert exchange(short_server.connect(), request(body))[1] == b"slow " + body
    assert len(short_server.app.threads) == 1


def test_while_the_worker_for_long_requests_is_busy_a_worker_answers_them_itself(short_server, long_server):
    body = b"1" * LONG
    waiting = [short_server.connect() for _ in range(long_server.worker.cfg.threads)]
    for number, client in enumerate(waiting):
        client.sendall(request(body)[:-1])
        wait_until(lambda number=number: long_server.worker.nr_conns == number + 1)
    wait_until(lambda: not long_server.worker._accepting)
    assert exchange(short_server.connect(), request(body))[1] == b"slow " + body
    packed = gzip.compress(body)
    answered = exchange(short_server.connect(), request(packed, more=b"Content-Encoding: gzip\r\n"))
    assert answered[1] == b"slow " + packed
    assert len(short_server.app.threads) == 2
    for client in waiting:
        assert exchange(client, b"1")[1] == b"slow " + body
        client.close()
    wait_until(lambda: long_server.worker._accepting)
    assert exchange(short_server.connect(), request(body))[1] == b"slow " + body
    assert len(short_server.app.threads) == 2


def test_a_stop_answers_the_connections_that_were_passed_on(short_server, long_server):
    body = b"1" * LONG
    client = short_server.connect()
    client.sendall(request(body)[:-1])
    wait_until(lambda: long_server.worker.nr_conns == 1)
    long_server.worker.handle_exit(None, None)
    wait_until(lambda: not long_server.worker._accepting)
    assert exchange(client, b"1")[1] == b"slow " + body


def test_a_passed_connection_waits_until_a_file_can_be_opened(short_server, long_server, caplog, monkeypatch):
    monkeypatch.setattr(acceptor, "ACCEPT_BACKOFF", 1e9)
    long_server.worker.log.error_log.addHandler(caplog.handler)
    client = short_server.connect()
    exchange(client, request())
    with monkeypatch.context() as exhausted:
        exhausted.setattr(long_server.worker._long_worker_socket, "accept", refuse_file)
        client.sendall(request(b"1" * LONG)[:1000])
        wait_until(lambda: "no more connections can be accepted now" in caplog.text)
        wait_until(lambda: not long_server.worker._accepting)
    long_server.worker.log.error_log.removeHandler(caplog.handler)
    client.sendall(request(b"1" * LONG)[1000:])
    long_server.worker._backoff_until = 0
    assert receive_response(client)[1] == b"slow " + b"1" * LONG
    assert len(long_server.app.threads) == 1
