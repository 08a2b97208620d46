"""A worker of the service in a thread of this process, with an app that echoes, and the requests to it."""

import errno
import os
import socket
import threading
import time

from gunicorn.config import Config
from gunicorn.glogging import Logger

from service.fastpath.interface import Response, RouteMatch
from service.server.worker import worker

BODY = b'{"x": 5}'
HEALTH = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
SECONDS = 10


class FastPath:
    """Echoes bodies at /predict; leaves bodies with null to the slow path at once, and bodies with zero afterwards."""

    max_body = 1 << 18

    def __init__(self):
        self.threads = []
        self.batches = []
        self.waits = []
        self.logged = []
        self.padding = b""
        self._unlogged = []

    def match(self, head):
        return RouteMatch("predict") if head.path == "/predict" and head.is_plain else None

    def prepare(self, match, client, body, started):
        self.waits.append(time.perf_counter() - started)
        return None if b"null" in body else b"fast " + client.encode() + b" " + body + self.padding

    def execute(self, batch):
        self.threads += [threading.current_thread()] * len(batch)
        self.batches.append(len(batch))
        responses = [
            None if b"0" in body[16:] else Response([("Content-Length", str(len(body)))], body) for body in batch
        ]
        self._unlogged += [response.body for response in responses if response]
        return responses

    def flush_log(self):
        self.logged.append(self._unlogged)
        self._unlogged = []


class App:
    """A WSGI app that echoes the body in any thread."""

    def __init__(self, fast_path):
        if fast_path is not None:
            self.fast_path = fast_path
        self.threads = []
        self.reads_bodies = True

    def wsgi(self):
        """As gunicorn loads it."""
        return self

    def __call__(self, environ, start_response):
        self.threads.append(threading.current_thread())
        try:
            body = environ["wsgi.input"].read() if self.reads_bodies else b""
        except OSError:
            body = b"broken off"
        body = b"slow " + body
        if not self.reads_bodies:
            start_response.__self__.force_close()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]


class Worker(worker.Worker):
    """A worker without signal handlers, which belong to the process."""

    def init_signals(self):
        """Leave signals alone."""


class Server:
    """A running worker, its app, and connections to it."""

    def __init__(
        self,
        long_workers=None,
        is_long_request_worker=False,
        client_timeout_seconds=SECONDS,
        has_fast_path=True,
        ppid=None,
        **settings,
    ):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        cfg = Config()
        for name, value in {"keepalive": 30, "threads": 2, "graceful_timeout": 3, **settings}.items():
            cfg.set(name, value)
        self.fast_path = FastPath()
        self.app = App(self.fast_path if has_fast_path else None)
        self.worker = Worker(1, ppid or os.getppid(), [self.listener], self.app, 30, cfg, Logger(cfg))
        self.worker.is_long_request_worker = is_long_request_worker
        self.worker.client_timeout_seconds = client_timeout_seconds
        if long_workers is not None:
            self.worker.join_long_workers(long_workers, int(is_long_request_worker))
        self.thread = threading.Thread(target=self.worker.init_process)
        self.thread.start()
        self.clients = []

    def connect(self):
        self.clients.append(socket.create_connection(self.address, SECONDS))
        return self.clients[-1]

    def stop(self):
        for client in self.clients:
            client.close()
        self.worker.handle_exit(None, None)
        self.thread.join(SECONDS)
        assert not self.thread.is_alive()
        self.worker.tmp.close()


def request(body=BODY, *, path="/predict", more=b"", length=None):
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body) if length is None else length}\r\n".encode() + more + b"\r\n" + body


def receive_response(client):
    """Return the head and the body of the next response."""
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


def exchange(client, data):
    """Send bytes and return the head and the body of the next response."""
    client.sendall(data)
    return receive_response(client)


def wait_until(condition):
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def refuse_file(connected=None, *_):
    """Fail as the system does when a process may open no more files."""
    if connected is not None:
        connected.close()
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
