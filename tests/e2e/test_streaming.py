"""Bodies and responses that are streamed over sockets."""

import contextlib
import http.client
import json
import socket
from urllib.parse import urlsplit

import httpx
import pytest

ROWS = 1_500_000  # more than fit into the socket buffers
CSV = {"Content-Type": "text/csv"}


@pytest.fixture(scope="module")
def line(client):
    assert client.post("/models/line/train", json={"x": [1, 2, 4], "y": [1, 2, 3]}).status_code == 201


def predicted_rows(client):
    text = client.get("/metrics").text
    found = [part for part in text.splitlines() if part.startswith('descent_predicted_rows_total{model="line"}')]
    return float(found[0].split()[-1]) if found else 0


def csv_rows(count, last=b""):
    yield b"x\n"
    for _ in range(count // 50_000):
        yield b"0.12345\n" * 50_000
    yield last


@pytest.mark.parametrize("accept", ["application/json", "text/csv", "application/x-npy"])
def test_a_client_may_send_its_whole_body_before_it_reads(client, line, accept):
    before = predicted_rows(client)
    headers = CSV | {"Accept": accept, "Accept-Encoding": "identity"}
    answer = client.post("/models/line/predict", content=csv_rows(ROWS), headers=headers)
    assert answer.status_code == 200
    assert len(answer.content) > 8 * ROWS
    assert predicted_rows(client) == before + ROWS
    if accept == "application/json":
        assert len(answer.json()["y"]) == ROWS


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_streamed_response_is_compressed_on_request(service, client, line, encoding):
    headers = CSV | {"Accept": "text/csv", "Accept-Encoding": encoding}
    with client.stream("POST", "/models/line/predict", content=csv_rows(100_000), headers=headers) as answer:
        assert answer.headers["Content-Encoding"] == encoding
        assert len(list(answer.iter_lines())) == 100_001


def test_the_response_starts_before_the_request_ends(service, line):
    with socket.create_connection(("127.0.0.1", service.port), 20) as peer:
        peer.sendall(b"POST /models/line/predict HTTP/1.1\r\nHost: here\r\nContent-Type: text/csv\r\n")
        peer.sendall(b"Accept: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n")
        rows = b"x\n" + b"1.5\n" * 500_000
        peer.sendall(b"%x\r\n%s\r\n" % (len(rows), rows))
        response = http.client.HTTPResponse(peer)
        response.begin()
        assert response.status == 200
        assert response.readline() == b'"y"\n'
        peer.sendall(b"4\r\n2.5\n\r\n0\r\n\r\n")
        assert len(response.read().splitlines()) == 500_001


def test_an_error_after_the_first_byte_closes_the_connection(service, client, line):
    before = predicted_rows(client)
    connection = http.client.HTTPConnection(*urlsplit(service.url).netloc.split(":"), timeout=30)
    body = b"".join(csv_rows(ROWS, b"not a number\n"))
    connection.request("POST", "/models/line/predict", body, CSV | {"Accept": "text/csv"})
    response = connection.getresponse()
    assert response.status == 200
    with contextlib.closing(connection), response, pytest.raises(http.client.IncompleteRead):
        response.read()
    assert predicted_rows(client) == before
    assert 'status="422"' in client.get("/metrics").text
    assert client.get("/livez").status_code == 200


def test_an_error_before_the_first_byte_is_a_problem_document(client, line):
    answer = client.post("/models/line/predict", content=b"x\n1\nnot a number\n", headers=CSV)
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert answer.json()["errors"][0]["pointer"] == "/x/x/1"


def test_a_small_table_keeps_the_connection_open(service, client, line):
    connection = http.client.HTTPConnection(*urlsplit(service.url).netloc.split(":"), timeout=30)
    for _ in range(3):
        connection.request("POST", "/models/line/predict", b"x\n1\n2\n", CSV)
        response = connection.getresponse()
        assert response.headers["Connection"] != "close"
        assert len(json.loads(response.read())["y"]) == 2
        kept = connection.sock
    assert kept is not None
    connection.close()


def test_training_on_a_stream_equals_training_on_one_json_body(client):
    rows = [(i * 0.37 % 5, i * 0.11 % 3, i * 0.7 % 7) for i in range(40_000)]
    text = b"a,b,y\n" + "".join(f"{a!r},{b!r},{y!r}\n" for a, b, y in rows).encode()
    pieces = (text[start : start + 7_919] for start in range(0, len(text), 7_919))
    streamed = client.post("/models/cut/train", content=pieces, headers=CSV)
    a, b, y = zip(*rows, strict=True)
    at_once = client.post("/models/cut/train", json={"x": {"a": a, "b": b}, "y": y})
    assert (streamed.json()["w"], streamed.json()["b"]) == (at_once.json()["w"], at_once.json()["b"])
