"""The app behind other WSGI servers, with nothing but PEP 3333 between them."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys

import httpx
import pytest
from running import ROOT, TIMEOUT, free_port, wait_until

WAITRESS = 'import sys; sys.modules["gunicorn"] = None; from waitress.runner import run; sys.exit(run())'
COMMANDS = {
    "waitress": ["-c", WAITRESS, "--listen=127.0.0.1:{port}"],
    "gthread": ["-m", "gunicorn", "--bind=127.0.0.1:{port}", "--worker-class=gthread", "--threads=4"],
    "sync": ["-m", "gunicorn", "--bind=127.0.0.1:{port}"],
}
ROWS = 200_000
CSV = {"Content-Type": "text/csv", "Accept": "text/csv"}
HIDDEN = b"DELETE /models/line HTTP/1.1\r\nHost: here\r\n\r\n"


@pytest.fixture(scope="module", params=COMMANDS)
def port(request, tmp_path_factory):
    """The port of a server that has the model `line`."""
    folder, number = tmp_path_factory.mktemp(request.param), free_port()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DESCENT_STORE": str(folder / "models")}
    environment.pop("GUNICORN_CMD_ARGS", None)
    command = [argument.format(port=number) for argument in COMMANDS[request.param]]
    log = folder / "log"
    with log.open("wb") as output:  # the folder has no gunicorn.conf.py
        server = subprocess.Popen(
            [sys.executable, *command, "service.wsgi:app"], cwd=folder, env=environment, stdout=output, stderr=output
        )
    try:
        wait_until(lambda: is_ready(server, number, log), what=lambda: f"the server answers: {log.read_text()}")
        trained = httpx.post(f"http://127.0.0.1:{number}/models/line/train", json={"x": [1, 2, 4], "y": [2, 4, 8]})
        assert trained.status_code == httpx.codes.CREATED
        yield number
    finally:
        server.terminate()
        server.wait(TIMEOUT)


def is_ready(server, number, log):
    assert server.poll() is None, log.read_text()
    try:
        return httpx.get(f"http://127.0.0.1:{number}/readyz").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


@pytest.fixture
def client(port):
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as session:
        yield session


def csv_rows():
    yield b"x\n"
    for _ in range(ROWS // 10_000):
        yield b"0.12345\n" * 10_000


def test_rows_in_json_are_predicted(client):
    answers = [client.post("/models/line/predict", json={"x": x}).json()["y"] for x in (1, [1, 3], 1)]
    assert answers == [pytest.approx(2), pytest.approx([2, 6]), answers[0]]


@pytest.mark.parametrize("chunked", [True, False])
def test_a_long_table_is_answered_with_a_table(client, chunked):
    content = csv_rows() if chunked else b"".join(csv_rows())
    answer = client.post("/models/line/predict", content=content, headers=CSV)
    assert answer.status_code == httpx.codes.OK
    assert len(answer.text.splitlines()) == ROWS + 1


def test_a_chunked_upload_is_trained_on(client):
    answer = client.post("/models/chunked/train", content=iter([b"x,y\n1,1\n", b"2,2\n3,", b"3\n"]), headers=CSV)
    assert (answer.status_code, answer.json()["n"]) == (httpx.codes.CREATED, 3)


def statuses(port, data):
    """The statuses of all responses on one connection that sends `data`."""
    received = bytearray()
    with socket.create_connection(("127.0.0.1", port), TIMEOUT) as peer:
        with contextlib.suppress(OSError):  # the server has closed the connection
            peer.sendall(data)
            peer.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            while piece := peer.recv(1 << 16):
                received += piece
    return [int(status) for status in re.findall(rb"HTTP/1\.1 ([0-9]{3}) ", received)]


def framed(body, *, chunked):
    if chunked:
        return b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("length", [100, 60_000, 200_000])
@pytest.mark.parametrize(
    ("path", "media_type", "status"), [("/train", "text/plain", 415), ("/nowhere", "application/json", 404)]
)
def test_an_unread_body_is_never_taken_for_the_next_request(port, path, media_type, status, length, chunked):
    body = (HIDDEN * (length // len(HIDDEN) + 1))[:length]
    head = f"POST {path} HTTP/1.1\r\nHost: here\r\nContent-Type: {media_type}\r\n".encode()
    following = b"GET /livez HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
    found = statuses(port, head + framed(body, chunked=chunked) + following)
    assert found in ([status], [status, 200]), "the connection is closed, or goes on with the next request"
    assert httpx.get(f"http://127.0.0.1:{port}/models/line").status_code == httpx.codes.OK


def test_requests_go_on_after_a_refusal(client):
    for _ in range(3):
        refused = client.post("/train", content=b"x" * 10_000, headers={"Content-Type": "text/plain"})
        assert refused.status_code == httpx.codes.UNSUPPORTED_MEDIA_TYPE
        assert client.get("/livez").text == "ok\n"


def test_a_body_over_the_limit_is_refused(client):
    head = {"Content-Type": "application/json"}
    spaces = (b" " * (1 << 20) for _ in range(257))
    answer = client.post("/train", content=spaces, headers=head)
    assert (answer.status_code, json.loads(answer.content)["type"]) == (413, "urn:descent:problem:body-too-large")
    assert client.get("/livez").text == "ok\n"
