"""Requests that arrive together are a batch, and the log is written when nothing else is to be done."""

import threading
import time

from worker_server import BODY, SECONDS, exchange, receive_response, request, wait_until

from service.server.worker import worker as workers
from service.server.worker.batcher import MAX_BATCH, Batcher


def test_requests_that_arrive_together_are_executed_together(server):
    clients = [server.connect() for _ in range(40)]
    for client in clients:
        exchange(client, request())
    server.fast_path.batches.clear()
    busy = server.connect()
    entered, may_continue = threading.Event(), threading.Event()
    server.fast_path.prepare = lambda match, client, body, started: (entered.set(), may_continue.wait(SECONDS)) and body
    busy.sendall(request())
    assert entered.wait(SECONDS)
    del server.fast_path.prepare
    for client in clients:  # while the event loop prepares the first request
        client.sendall(request())
    may_continue.set()
    assert all(receive_response(client)[1].startswith(b"fast") for client in clients)
    assert max(server.fast_path.batches) == MAX_BATCH
    assert sum(server.fast_path.batches) == len(clients) + 1


def test_answered_requests_are_logged_once_nothing_else_is_to_be_done(server):
    client = server.connect()
    for number in (1, 2):
        body = b'{"x": %d}' % number
        exchange(client, request(body))
        wait_until(lambda number=number: len(server.fast_path.logged) == number)
        assert server.fast_path.logged[-1] == [b"fast 127.0.0.1 " + body]
    exchange(client, request(b"null"))
    exchange(client, request(b'{"x": 3}'))
    wait_until(lambda: len(server.fast_path.logged) == 3)


def test_a_stop_logs_the_answered_requests(server, monkeypatch):
    monkeypatch.setattr(Batcher, "flush_log_if_idle", lambda _: None)
    client = server.connect()
    exchange(client, request())
    assert not server.fast_path.logged
    server.stop()
    assert server.fast_path.logged == [[b"fast 127.0.0.1 " + BODY]]


def test_gunicorn_is_notified_at_most_once_in_an_interval(server, monkeypatch):
    monkeypatch.setattr(workers, "NOTIFY_INTERVAL", 0.2)
    notified, started = [], time.monotonic()
    monkeypatch.setattr(server.worker.tmp, "notify", lambda: notified.append(time.monotonic()))
    client = server.connect()
    answered = 0
    while len(notified) < 4:
        exchange(client, request())
        answered += 1
    assert answered > 2 * len(notified)
    assert time.monotonic() - started >= 0.2 * (len(notified) - 1)
