"""The worker answers what is plain and all there by itself, and leaves everything else to gunicorn's threads."""

import errno
import os
import socket
import threading
import time

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger

from service.fastpath import http_head, predict
from service.fastpath.predict import Reply
from service.server.worker import acceptor, lingering_close
from service.server.worker import worker as workers
from service.server.worker.batcher import MAX_BATCH, Batcher
from service.server.worker.connection import MOST_DRAINED
from service.server.worker.fd_passing import IS_POSSIBLE
from service.server.worker.upload_limiter import UploadLimiter

BODY = b'{"x": 5}'
SECONDS = 10
needs_doors = pytest.mark.skipif(not IS_POSSIBLE, reason="sockets of this kind and priorities are Linux's")


def request(body=BODY, *, path="/predict", more=b"", length=None):
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body) if length is None else length}\r\n".encode() + more + b"\r\n" + body


class PredictFastPath:
    """Answers with what it was asked; gives back what has a null, or late what has a zero."""

    def __init__(self):
        self.threads = []
        self.together = []
        self.waited = []
        self.logged = []
        self.padding = b""

    def read(self, call, client, body, started):
        self.waited.append(time.perf_counter() - started)
        return None if b"null" in body else b"quick " + client.encode() + b" " + body + self.padding

    def answer(self, together):
        self.threads += [threading.current_thread()] * len(together)
        self.together.append(len(together))
        replies = [
            None if b"0" in body[16:] else Reply([("Content-Length", str(len(body)))], body) for body in together
        ]
        return predict.BatchResult(replies, [{"body": reply.body} for reply in replies if reply])

    def log(self, lines):
        self.logged.append([line["body"] for line in lines])


class App:
    """Answers with the body, in any thread; a quick way beside it."""

    def __init__(self):
        self.fast_path = self.quick_way = PredictFastPath()
        self.threads = []
        self.refuses = False

    def wsgi(self):
        """As gunicorn asks for it."""
        return self

    def __call__(self, environ, start_response):
        self.threads.append(threading.current_thread())
        try:
            body = b"" if self.refuses else environ["wsgi.input"].read()
        except OSError:
            body = b"broken off"
        body = b"ordinary " + body
        headers = [("Content-Length", str(len(body)))]
        if self.refuses:
            start_response.__self__.force_close()
        start_response("200 OK", headers)
        return [body]


class Worker(workers.Worker):
    """A worker in a thread of this process."""

    def init_signals(self):
        """Signals are the process's."""


class Server:
    """A worker, the app behind it, and connections to it."""

    def __init__(self, doors=None, is_long_request_worker=False, client_timeout_seconds=SECONDS, **settings):
        self.listener = socket.create_server(("127.0.0.1", 0))
        cfg = Config()
        for name, value in {"keepalive": 30, "threads": 2, "graceful_timeout": 3, **settings}.items():
            cfg.set(name, value)
        self.app = App()
        self.worker = Worker(1, os.getppid(), [self.listener], self.app, 30, cfg, Logger(cfg))
        self.worker.is_long_request_worker = is_long_request_worker
        self.worker.client_timeout_seconds = client_timeout_seconds
        if doors is not None:
            self.worker.join_long_workers(doors, int(is_long_request_worker))
        self.thread = threading.Thread(target=self.worker.init_process)
        self.thread.start()
        self.clients = []

    def connect(self):
        self.clients.append(socket.create_connection(self.listener.getsockname(), SECONDS))
        return self.clients[-1]

    def stop(self):
        for client in self.clients:
            client.close()
        self.worker.handle_exit(None, None)
        self.thread.join(SECONDS)
        assert not self.thread.is_alive()
        self.worker.tmp.close()


@pytest.fixture
def serve():
    servers = []

    def start(**settings):
        servers.append(Server(**settings))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def server(serve):
    return serve()


def answer(client):
    """The head and the body of the next answer."""
    data = bytearray()
    while b"\r\n\r\n" not in data:
        data += receive(client)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += receive(client)
    return head, body


def receive(client):
    data = client.recv(65536)
    assert data, "the connection was closed"
    return data


def ask(client, data):
    client.sendall(data)
    return answer(client)


def test_answers_a_plain_request_without_a_thread(server):
    client = server.connect()
    for _ in range(3):
        head, body = ask(client, request())
        assert body == b"quick 127.0.0.1 " + BODY
        assert head.startswith(b"HTTP/1.1 200 OK\r\nServer: gunicorn\r\nDate: ")
        assert b"\r\nConnection: keep-alive\r\n" in head
    assert server.app.quick_way.threads == [server.thread] * 3
    assert server.app.threads == []


def test_answers_when_the_body_comes_after_the_head(server):
    client = server.connect()
    for _ in range(3):
        client.sendall(request()[: -len(BODY)])
        time.sleep(0.05)
        client.sendall(BODY[:3])
        time.sleep(0.05)
        assert ask(client, BODY[3:])[1] == b"quick 127.0.0.1 " + BODY
    assert server.app.threads == []


@pytest.mark.parametrize(
    "data",
    [
        request(b'{"x": null}'),
        request(b'{"x": 0}'),
        request(path="/train"),
        request(more=b"Content-Encoding: identity\r\n"),
        request(more=b"X-Forwarded-Proto: https\r\n"),
        b'POST /predict HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{"x\r\n5\r\n": 5}\r\n0\r\n\r\n',
        request(b'{"x": [%s]}' % b", ".join([b"1"] * 100_000)),
    ],
)
def test_leaves_the_rest_to_threads_whole(server, data):
    client = server.connect()
    for _ in range(2):
        _, body = ask(client, data)
        assert body.startswith(b"ordinary {")
        assert body.endswith(b"}")
        assert ask(client, request())[1].startswith(b"quick")
    assert len(server.app.threads) == 2
    assert server.thread not in server.app.threads


def test_a_head_may_come_in_pieces(server):
    client = server.connect()
    for byte in request():
        client.sendall(bytes([byte]))
    assert answer(client)[1].endswith(BODY)


def test_requests_may_come_together(server):
    client = server.connect()
    client.sendall(request() + request(b'{"x": null}') + request(b'{"x": 7}'))
    received = b""
    while received.count(b'"x"') < 3:
        received += receive(client)
    positions = [received.index(body) for body in (BODY, b'{"x": null}', b'{"x": 7}')]
    assert positions == sorted(positions)


def test_plain_requests_may_come_together(server):
    client = server.connect()
    client.sendall(request() + request(b'{"x": 7}'))
    received = b""
    while not received.endswith(b'{"x": 7}'):
        received += receive(client)
    assert [part.partition(b"\r\n\r\n")[2] for part in received.split(b"HTTP/1.1 200 OK")[1:]] == [
        b"ordinary " + BODY,
        b'quick 127.0.0.1 {"x": 7}',
    ]
    assert ask(client, request())[1] == b"quick 127.0.0.1 " + BODY


def test_a_request_that_began_before_a_time_out_is_answered_after_it(serve):
    server = serve(keepalive=1)
    new, kept, busy = server.connect(), server.connect(), server.connect()
    ask(kept, request())
    time.sleep(0.7)
    for client in (new, kept):
        client.sendall(request()[: -len(BODY)])
    for _ in range(8):
        ask(busy, request())
        time.sleep(0.1)
    for client in (new, kept):
        assert ask(client, BODY)[1].endswith(BODY)


def test_a_request_that_began_before_a_stop_is_answered(server):
    data = request(length=12)[: -len(BODY)]
    new, kept, early = server.connect(), server.connect(), server.connect()
    ask(kept, request())
    for client in (new, kept):
        client.sendall(data)
    early.sendall(data[:1])
    wait_until(lambda: len(getattr(server.worker, "_read_deadlines", ())) == 3)
    server.worker.handle_exit(None, None)
    early.sendall(data[1:])
    for byte in BODY + b"   ":
        time.sleep(0.2)
        for client in (new, kept, early):
            client.sendall(bytes([byte]))
    for client in (new, kept, early):
        assert ask(client, b" ")[1] == b"ordinary " + BODY + b"    "


def long_request(path="/train", more=b""):
    """A request of which the body is too long for the loop, in its parts."""
    body = b" " * 300_000
    return request(body, path=path, more=more)[: -len(body)], body


@pytest.mark.parametrize(
    "slow",
    [
        long_request(),
        (b"PUT /models/m/serving HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n", BODY),
        (request(more=b"Content-Encoding: gzip\r\n")[: -len(BODY)], BODY),
        (b"POST /train HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", b"8\r\n%b\r\n0\r\n\r\n" % BODY),
    ],
)
def test_clients_that_send_slowly_leave_a_thread_to_others(server, slow):
    head, rest = slow
    clients = [server.connect() for _ in range(5)]
    for client in clients:
        client.sendall(head)
    for _ in range(3):
        assert ask(server.connect(), b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")[1] == b"ordinary "
    for client in clients:
        client.sendall(rest)
    for client in clients:
        assert answer(client)[1].strip() in (b"ordinary", b"ordinary " + BODY)


def test_what_waits_for_a_thread_to_send_is_answered_in_a_stop(server):
    head, body = long_request()
    clients = [server.connect() for _ in range(3)]
    for client in clients:
        client.sendall(head)
    wait_until(lambda: len(getattr(server.worker, "_upload_limiter", UploadLimiter(0, None))._waiting) == 2)
    server.worker.handle_exit(None, None)
    for client in clients:
        client.sendall(body)
    assert [answer(client)[1] for client in clients] == [b"ordinary " + body] * 3


def test_waiting_for_a_body_counts_as_time(server):
    client = server.connect()
    client.sendall(request()[: -len(BODY)])
    wait_until(lambda: getattr(server.worker, "_read_deadlines", None))
    waited_from = time.perf_counter()
    time.sleep(0.3)
    waited = time.perf_counter() - waited_from
    ask(client, BODY)
    assert server.app.quick_way.waited[0] >= waited


def test_without_keep_alive_each_request_is_a_threads(serve):
    server = serve(keepalive=0)
    for _ in range(3):
        head, body = ask(server.connect(), request())
        assert body == b"ordinary " + BODY
        assert b"\r\nConnection: close\r\n" in head


def test_takes_no_more_connections_than_it_may(serve):
    server = serve(worker_connections=20, threads=2)
    clients = [server.connect() for _ in range(40)]
    wait_until(lambda: server.worker.nr_conns == 20)
    assert ask(clients[0], request())[1].startswith(b"quick")
    for client in clients[:20]:
        client.close()
    assert ask(clients[-1], request())[1].endswith(BODY)
    assert server.worker.nr_conns <= 20


@pytest.fixture
def logged(server, caplog):
    """What a server's worker logs."""
    server.worker.log.error_log.addHandler(caplog.handler)
    yield caplog
    server.worker.log.error_log.removeHandler(caplog.handler)


def no_file(connected=None, *_):
    if connected is not None:
        connected.close()
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def test_goes_on_when_no_more_files_can_be_opened(server, logged, monkeypatch):
    monkeypatch.setattr(acceptor, "ACCEPT_BACKOFF", 1e9)
    client = server.connect()
    ask(client, request())
    with monkeypatch.context() as exhausted:
        exhausted.setattr(server.worker, "_await_first_request", no_file)
        other = server.connect()
        wait_until(lambda: "no more connections can be taken now: Too many open files" in logged.text)
        for _ in range(10):
            assert ask(client, request())[1].startswith(b"quick")
    assert logged.text.count("no more connections can be taken now") == 1
    assert not server.worker._accepting
    waiting = server.connect()
    server.worker._rests_until = 0
    assert ask(waiting, request())[1].startswith(b"quick")
    assert other.recv(1) == b""


def test_a_last_answer_is_not_cut_off_by_what_still_comes(server):
    for _ in range(50):
        client = server.connect()
        client.sendall(request(more=b"Connection: close\r\n"))
        client.sendall(b"\r\n")
        assert answer(client)[1].endswith(BODY)
        client.sendall(b"\r\n")
        assert client.recv(1) == b""


def test_a_worker_that_may_answer_so_many_requests_ends_after_them(serve):
    server = serve(max_requests=5)
    client = server.connect()
    for _ in range(5):
        head, _ = ask(client, request())
    assert b"\r\nConnection: close\r\n" in head
    server.thread.join(SECONDS)
    assert not server.thread.is_alive()


def test_requests_that_are_not_all_there_hold_no_thread(serve):
    server = serve(threads=1)
    started = [
        b"P",
        request()[:30],
        request()[:-1],
        request(path="/train", length=100),
        request(more=b"Te: a\r\n")[:-12],
    ]
    for data in (*started, request(b"null") + b"P", request(b"null") + request()[:-1]):
        server.connect().sendall(data)
    wait_until(lambda: len(getattr(server.worker, "_read_deadlines", ())) == len(started) + 2)
    assert len(server.app.threads) == 2
    assert ask(server.connect(), request(b"null"))[1] == b"ordinary null"
    assert ask(server.clients[0], request()[1:])[1] == b"quick 127.0.0.1 " + BODY
    for client, rest in zip(server.clients[-3:-1], (request()[1:], BODY[-1:]), strict=True):
        assert answer(client)[1] == b"ordinary null"
        assert ask(client, rest)[1] == b"quick 127.0.0.1 " + BODY


def test_a_request_that_stops_coming_is_waited_for_no_more(serve):
    server = serve(client_timeout_seconds=0.2)
    body, head, piped = server.connect(), server.connect(), server.connect()
    assert ask(body, request(length=100))[1] == b"ordinary " + BODY
    head.sendall(b"P")
    assert head.recv(1) == b""
    assert ask(piped, request(b"null") + b"P")[1] == b"ordinary null"
    assert piped.recv(1) == b""
    wait_until(lambda: server.worker.nr_conns <= 1)


@pytest.mark.parametrize("data", [b"\r\n\r\n", b"\r\n\r\nP", b"P" * http_head.MOST_BYTES + b"\r\n", b"P\r\n\r\n"])
def test_what_is_no_head_is_refused_at_once(server, data):
    assert ask(server.connect(), data)[0].startswith(b"HTTP/1.1 4")


def test_a_client_that_ends_in_the_midst_is_told_of_by_a_thread(server):
    client = server.connect()
    client.sendall(request(length=100))
    client.shutdown(socket.SHUT_WR)
    assert answer(client)[1].startswith(b"ordinary")


def test_closes_when_asked_to(server):
    client = server.connect()
    head, body = ask(client, request(more=b"Connection: close\r\n"))
    assert body.startswith(b"quick")
    assert b"\r\nConnection: close\r\n" in head
    assert client.recv(1) == b""


def test_forgets_clients_that_leave(server):
    clients = [server.connect() for _ in range(4)]
    wait_until(lambda: server.worker.nr_conns == 4)
    for client, leave_after in zip(clients, (b"", request(), request(length=100), b"POST"), strict=True):
        client.sendall(leave_after)
        client.close()
    wait_until(lambda: server.worker.nr_conns == 0)
    assert ask(server.connect(), request())[1].startswith(b"quick")
    assert server.worker.nr_conns == 1
    assert ask(server.connect(), request(more=b"Connection: close\r\n"))[1].startswith(b"quick")
    server.clients.pop().close()
    wait_until(lambda: server.worker.nr_conns == 1)


def test_what_a_socket_does_not_take_at_once_is_sent_by_a_thread(server):
    server.app.quick_way.padding = b"." * 20_000_000
    client = server.connect()
    for _ in range(2):
        assert len(ask(client, request())[1]) > 20_000_000
    assert server.app.threads == []
    client.sendall(request(more=b"Connection: close\r\n"))
    assert len(answer(client)[1]) > 20_000_000
    assert client.recv(1) == b""


def test_a_client_that_does_not_close_holds_nobody_up(server):
    server.app.refuses = True
    idle, other = server.connect(), server.connect()
    assert ask(idle, request(path="/train"))[1] == b"ordinary "
    started = time.monotonic()
    assert ask(other, request())[1].startswith(b"quick")
    assert time.monotonic() - started < lingering_close.LINGER / 2
    assert idle.recv(1) == b""


@pytest.mark.parametrize("path", ["/train", "/predict"])
def test_a_connection_that_cannot_be_watched_is_counted_off_once(server, monkeypatch, path):
    kept, client = server.connect(), server.connect()
    ask(kept, request())
    ask(client, request())

    refused = []

    def refuse(*_):
        refused.append(1)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(server.worker.poller, "register", refuse)
    assert BODY in ask(client, request(path=path, more=b"Connection: close\r\n"))[1]
    assert client.recv(1) == b""
    wait_until(lambda: refused)
    monkeypatch.undo()
    assert ask(kept, request())[1].startswith(b"quick")
    assert server.worker.nr_conns == 1


def test_connections_that_linger_are_closed_in_the_end(server):
    server.app.refuses = True
    client = server.connect()
    ask(client, request(path="/train", length=10**6))
    wait_until(lambda: server.worker.nr_conns == 0)


def test_a_client_that_goes_on_sending_is_cut_off(server):
    server.app.refuses = True
    client = server.connect()
    ask(client, request(path="/train", length=10**9))
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        client.sendall(b" " * 1000 * MOST_DRAINED)


def test_a_stop_does_not_wait_for_connections_without_a_request(server):
    server.connect()
    used = server.connect()
    ask(used, request())
    wait_until(lambda: server.worker.nr_conns == 2)
    server.worker.cfg.set("graceful_timeout", 60)
    server.worker.handle_exit(None, None)
    server.thread.join(SECONDS)
    assert not server.thread.is_alive()


def test_a_stop_answers_what_still_comes_and_says_that_it_closes(server):
    client = server.connect()
    ask(client, request())
    server.worker.handle_exit(None, None)
    head, _ = ask(client, request())
    assert b"\r\nConnection: close\r\n" in head


def test_many_connections_are_all_taken(server):
    clients = [server.connect() for _ in range(100)]
    for client in clients:
        client.sendall(request())
    assert all(answer(client)[1].startswith(b"quick") for client in clients)


def test_requests_that_come_at_once_are_answered_together(server):
    clients = [server.connect() for _ in range(40)]
    for client in clients:
        ask(client, request())
    server.app.quick_way.together.clear()
    busy = server.connect()
    server.app.quick_way.read = lambda call, client, body, started: time.sleep(0.3) or body
    busy.sendall(request())  # while it is read, the others come
    time.sleep(0.1)
    del server.app.quick_way.read
    for client in clients:
        client.sendall(request())
    assert all(answer(client)[1].startswith(b"quick") for client in clients)
    assert max(server.app.quick_way.together) == MAX_BATCH
    assert sum(server.app.quick_way.together) == len(clients) + 1


def test_each_answered_request_is_logged_once_nothing_else_is_to_be_done(server):
    client = server.connect()
    for number in (1, 2):
        body = b'{"x": %d}' % number
        ask(client, request(body))
        wait_until(lambda number=number: len(server.app.quick_way.logged) == number)
        assert server.app.quick_way.logged[-1] == [b"quick 127.0.0.1 " + body]
    ask(client, request(b"null"))
    ask(client, request(b'{"x": 3}'))
    wait_until(lambda: len(server.app.quick_way.logged) == 3)


def test_a_stop_logs_what_was_answered(server, monkeypatch):
    monkeypatch.setattr(Batcher, "log_if_idle", lambda _: None)
    client = server.connect()
    ask(client, request())
    assert not server.app.quick_way.logged
    server.stop()
    assert server.app.quick_way.logged == [[b"quick 127.0.0.1 " + BODY]]


def test_gunicorn_is_told_now_and_then_that_the_worker_lives(server, monkeypatch):
    monkeypatch.setattr(workers, "PULSE_SECONDS", 0.2)
    pulses, started = [], time.monotonic()
    monkeypatch.setattr(server.worker.tmp, "notify", lambda: pulses.append(time.monotonic()))
    client = server.connect()
    asked = 0
    while len(pulses) < 4:
        ask(client, request())
        asked += 1
    assert asked > 2 * len(pulses)
    assert time.monotonic() - started >= 0.2 * (len(pulses) - 1)


@pytest.mark.parametrize("step", ["read", "answer"])
def test_a_bug_in_the_quick_way_is_the_ordinary_ways_to_tell_of(step, server, logged):
    setattr(server.app.quick_way, step, lambda *_: 1 / 0)
    client = server.connect()
    for _ in range(2):
        assert ask(client, request())[1] == b"ordinary " + BODY
    assert "ZeroDivisionError" in logged.text


def test_bytes_that_are_not_plain_are_gunicorns_from_the_start(serve):
    server = serve(proxy_protocol="v1", proxy_allow_ips="*")
    client = server.connect()
    assert ask(client, b"PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\n" + request())[1] == b"ordinary " + BODY
    assert ask(client, request())[1] == b"ordinary " + BODY


def wait_until(condition):
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


LONG = 1_000_000


@pytest.fixture
def long_server(serve, tmp_path):
    """The server that takes long requests."""
    made = serve(doors=tmp_path, is_long_request_worker=True)
    wait_until(lambda: list(tmp_path.glob("*.door")))
    return made


@pytest.fixture
def short_server(serve, tmp_path, long_server):
    """One that hands them over to it."""
    return serve(doors=tmp_path)


def send_in_two(client, data):
    """Send the head of a request and a little of its body, and then the rest."""
    client.sendall(data[:1000])
    time.sleep(0.05)
    client.sendall(data[1000:])


@needs_doors
def test_a_long_request_is_answered_by_the_worker_for_such(short_server, long_server):
    body = b"[" + b"1," * (LONG // 2) + b"1]"
    client = short_server.connect()
    assert ask(client, request())[1] == b"quick 127.0.0.1 " + BODY
    send_in_two(client, request(body))
    head, answered = answer(client)
    assert answered == b"ordinary " + body
    assert b"\r\nConnection: close\r\n" in head
    assert client.recv(1) == b""
    assert short_server.app.threads == []
    assert len(long_server.app.threads) == 1
    assert ask(short_server.connect(), request())[1] == b"quick 127.0.0.1 " + BODY
    wait_until(lambda: long_server.worker.nr_conns == 0)


@needs_doors
def test_short_requests_stay_where_they_are(short_server, long_server):
    body = b"[" + b"1," * 300_000 + b"1]"
    assert ask(short_server.connect(), request(body))[1] == b"ordinary " + body
    assert ask(short_server.connect(), request(b"null"))[1] == b"ordinary null"
    assert long_server.app.threads == []


@needs_doors
def test_a_client_that_waits_to_be_told_to_go_on_is_told(short_server, long_server):
    body = b"1" * LONG
    data = request(body, more=b"Expect: 100-continue\r\n")
    client = short_server.connect()
    client.sendall(data[: -len(body)])
    assert receive(client).startswith(b"HTTP/1.1 100 Continue\r\n")
    assert ask(client, body)[1] == b"ordinary " + body
    assert len(long_server.app.threads) == 1


@needs_doors
def test_a_body_of_unknown_length_is_handed_over(short_server, long_server):
    head = b"POST /train HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    client = short_server.connect()
    client.sendall(head + b"3\r\nabc\r\n")
    time.sleep(0.05)
    assert ask(client, b"2\r\nde\r\n0\r\n\r\n")[1] == b"ordinary abcde"
    assert len(long_server.app.threads) == 1


@needs_doors
def test_a_worker_whose_neighbour_is_gone_answers_by_itself(short_server, long_server):
    long_server.stop()
    body = b"1" * LONG
    assert ask(short_server.connect(), request(body))[1] == b"ordinary " + body
    assert len(short_server.app.threads) == 1


@needs_doors
def test_a_worker_whose_neighbour_is_busy_answers_by_itself(short_server, long_server):
    body = b"1" * LONG
    waiting = [short_server.connect() for _ in range(long_server.worker.cfg.threads)]
    for number, client in enumerate(waiting):
        client.sendall(request(body)[:-1])
        wait_until(lambda number=number: long_server.worker.nr_conns == number + 1)
    wait_until(lambda: not long_server.worker._accepting)
    assert ask(short_server.connect(), request(body))[1] == b"ordinary " + body
    assert len(short_server.app.threads) == 1
    for client in waiting:
        assert ask(client, b"1")[1] == b"ordinary " + body
        client.close()
    wait_until(lambda: long_server.worker._accepting)
    assert ask(short_server.connect(), request(body))[1] == b"ordinary " + body
    assert len(short_server.app.threads) == 1


@needs_doors
def test_a_stop_answers_what_was_handed_over(short_server, long_server):
    body = b"1" * LONG
    client = short_server.connect()
    client.sendall(request(body)[:-1])
    wait_until(lambda: long_server.worker.nr_conns == 1)
    long_server.worker.handle_exit(None, None)
    wait_until(lambda: not long_server.worker._accepting)
    assert ask(client, b"1")[1] == b"ordinary " + body


@needs_doors
def test_what_was_handed_over_waits_until_a_file_can_be_opened(short_server, long_server, caplog, monkeypatch):
    monkeypatch.setattr(acceptor, "ACCEPT_BACKOFF", 1e9)
    long_server.worker.log.error_log.addHandler(caplog.handler)
    client = short_server.connect()
    ask(client, request())
    with monkeypatch.context() as exhausted:
        exhausted.setattr(long_server.worker._long_worker_socket, "_let_in", no_file)
        client.sendall(request(b"1" * LONG)[:1000])
        wait_until(lambda: "no more connections can be taken now" in caplog.text)
        wait_until(lambda: not long_server.worker._accepting)
    long_server.worker.log.error_log.removeHandler(caplog.handler)
    client.sendall(request(b"1" * LONG)[1000:])
    long_server.worker._rests_until = 0
    assert answer(client)[1] == b"ordinary " + b"1" * LONG
    assert len(long_server.app.threads) == 1
