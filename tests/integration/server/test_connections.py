"""Connections are accepted within limits, kept, closed gracefully, and closed when the worker stops."""

import errno
import os
import socket
import time

import pytest
from worker_server import BODY, SECONDS, exchange, receive_response, refuse_file, request, wait_until

from service.server.worker import acceptor
from service.server.worker.acceptor import MAX_DRAINED_BYTES

CLOSE = b"Connection: close\r\n"


def test_without_keepalive_threads_answer_every_request(serve):
    server = serve(keepalive=0)
    for _ in range(3):
        head, body = exchange(server.connect(), request())
        assert body == b"slow " + BODY
        assert b"\r\nConnection: close\r\n" in head


def test_no_more_connections_are_accepted_than_configured(serve):
    server = serve(worker_connections=20, threads=2)
    clients = [server.connect() for _ in range(40)]
    wait_until(lambda: server.worker.nr_conns == 20)
    assert exchange(clients[0], request())[1].startswith(b"fast")
    for client in clients[:20]:
        client.close()
    assert exchange(clients[-1], request())[1].endswith(BODY)
    assert server.worker.nr_conns <= 20


def test_many_connections_are_all_accepted(server):
    clients = [server.connect() for _ in range(100)]
    for client in clients:
        client.sendall(request())
    assert all(receive_response(client)[1].startswith(b"fast") for client in clients)


def test_accepting_pauses_when_no_more_files_can_be_opened(server, logged, monkeypatch):
    monkeypatch.setattr(acceptor, "ACCEPT_BACKOFF", 1e9)
    client = server.connect()
    exchange(client, request())
    with monkeypatch.context() as exhausted:
        exhausted.setattr(server.worker, "_await_first_request", refuse_file)
        other = server.connect()
        wait_until(lambda: "no more connections can be accepted now: Too many open files" in logged.text)
        for _ in range(10):
            assert exchange(client, request())[1].startswith(b"fast")
    assert logged.text.count("no more connections can be accepted now") == 1
    assert not server.worker._accepting
    waiting = server.connect()
    server.worker._backoff_until = 0
    assert exchange(waiting, request())[1].startswith(b"fast")
    assert other.recv(1) == b""


def test_a_worker_ends_after_max_requests(serve):
    server = serve(max_requests=5)
    client = server.connect()
    for _ in range(5):
        head, _ = exchange(client, request())
    assert b"\r\nConnection: close\r\n" in head
    server.thread.join(SECONDS)
    assert not server.thread.is_alive()


def test_a_connection_is_closed_when_its_client_requests_it(server):
    client = server.connect()
    head, body = exchange(client, request(more=CLOSE))
    assert body.startswith(b"fast")
    assert b"\r\nConnection: close\r\n" in head
    assert client.recv(1) == b""


def test_a_last_response_is_not_lost_when_its_client_still_sends(server):
    for _ in range(50):
        client = server.connect()
        client.sendall(request(more=CLOSE))
        client.sendall(b"\r\n")
        assert receive_response(client)[1].endswith(BODY)
        client.sendall(b"\r\n")
        assert client.recv(1) == b""


def test_connections_of_clients_that_leave_are_dropped(server):
    clients = [server.connect() for _ in range(4)]
    wait_until(lambda: server.worker.nr_conns == 4)
    for client, data in zip(clients, (b"", request(), request(length=100), b"POST"), strict=True):
        client.sendall(data)
        client.close()
    wait_until(lambda: server.worker.nr_conns == 0)
    assert exchange(server.connect(), request())[1].startswith(b"fast")
    assert server.worker.nr_conns == 1
    assert exchange(server.connect(), request(more=CLOSE))[1].startswith(b"fast")
    server.clients.pop().close()
    wait_until(lambda: server.worker.nr_conns == 1)


def test_a_client_that_does_not_close_delays_no_other_client(server):
    server.app.reads_bodies = False
    idle, other = server.connect(), server.connect()
    assert exchange(idle, request(path="/train"))[1] == b"slow "
    started = time.monotonic()
    assert exchange(other, request())[1].startswith(b"fast")
    assert time.monotonic() - started < acceptor.LINGER / 2
    assert idle.recv(1) == b""


@pytest.mark.parametrize("path", ["/train", "/predict"])
def test_a_connection_that_cannot_be_watched_is_counted_off_once(server, monkeypatch, path):
    kept, client = server.connect(), server.connect()
    exchange(kept, request())
    exchange(client, request())
    refused = []

    def refuse(*_):
        refused.append(1)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(server.worker.poller, "register", refuse)
    assert BODY in exchange(client, request(path=path, more=CLOSE))[1]
    assert client.recv(1) == b""
    wait_until(lambda: refused)
    monkeypatch.undo()
    assert exchange(kept, request())[1].startswith(b"fast")
    assert server.worker.nr_conns == 1


def test_lingering_connections_are_closed_in_the_end(server):
    server.app.reads_bodies = False
    client = server.connect()
    exchange(client, request(path="/train", length=10**6))
    wait_until(lambda: server.worker.nr_conns == 0)


def test_a_client_that_still_sends_too_much_is_cut_off(server):
    server.app.reads_bodies = False
    client = server.connect()
    exchange(client, request(path="/train", length=10**9))
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        client.sendall(b" " * 1000 * MAX_DRAINED_BYTES)


def test_a_stop_does_not_wait_for_idle_connections(server):
    server.connect()
    used = server.connect()
    exchange(used, request())
    wait_until(lambda: server.worker.nr_conns == 2)
    server.worker.cfg.set("graceful_timeout", 60)
    server.worker.handle_exit(None, None)
    server.thread.join(SECONDS)
    assert not server.thread.is_alive()


def test_responses_during_a_stop_announce_the_end_of_the_connection(server):
    client = server.connect()
    exchange(client, request())
    server.worker.handle_exit(None, None)
    head, _ = exchange(client, request())
    assert b"\r\nConnection: close\r\n" in head


def test_a_worker_whose_parent_died_releases_the_port_and_ends_in_spite_of_busy_clients(serve, monkeypatch):
    server = serve(graceful_timeout=60)
    busy, idle = server.connect(), server.connect()
    exchange(busy, request())
    exchange(idle, request())
    running = server.connect()
    running.sendall(request(path="/train", length=len(BODY))[: -len(BODY)])
    wait_until(lambda: len(server.worker._read_deadlines) == 1)
    monkeypatch.setattr(os, "getppid", lambda: -1)
    head = b""
    while b"\r\nConnection: close\r\n" not in head:
        head, _ = exchange(busy, request())
    with socket.create_server(server.address):
        pass
    assert exchange(running, BODY)[1] == b"slow " + BODY
    assert idle.recv(1) == b""
    server.thread.join(SECONDS)
    assert not server.thread.is_alive()
