"""A request is answered the same on both ways: the quick one, and the ordinary one, which a header that means nothing
asks for. The requests are the corpus of bad ones, and good ones beside them; they come in two pieces, as http.client
sends them, and in one."""

import contextlib
import http.client
import json
import socket

import pytest
from test_bad_requests import CASES, JSON, LINE, PLANE, STEEP, Answer, _body, _connect, _exchange

ORDINARY = {"Content-Encoding": "identity"}
NAMED = {"X-Request-ID": "me"}
SENT = {
    name: case
    for name, case in CASES.items()
    if case.get("method") == "POST" and not {"Content-Encoding", "Content-Length"} & set(case["headers"])
}
GOOD = [
    ("", '{"x": 5}'),
    ("", '{"x": [5]}'),
    ("", '{"x": [5, 2, 1.5e3, -7]}'),
    ("", '{"x": {"x": 3}}'),
    ("", '{"x": [{"x": 3}, {"x": 4}]}'),
    ("", '{"x": [5], "explain": true}'),
    ("", '{"x": [5], "interval": 0.9}'),
    ("", '{"x": [5, null], "missing": "drop"}'),
    ("/versions/1", '{"x": 5}'),
]


@pytest.fixture(scope="module")
def connection(service):
    """A connection to a service with the models that the requests speak of."""
    with contextlib.closing(_connect(service)) as opened:
        for name, rows in {"line": LINE, "plane": PLANE, "steep": STEEP}.items():
            request = {"method": "POST", "path": f"/models/bad-requests-{name}/train", "headers": JSON}
            assert _exchange(opened, request | {"body": json.dumps(rows)}).status == 201
        yield opened


def exchange_in_one_piece(connection, request):
    """The answer to a request whose head and body are one segment, on a connection of its own."""
    body = b"".join(body) if not isinstance(body := _body(request) or b"", bytes) else body
    fields = {"Host": "here", "Content-Length": len(body), **request["headers"]}
    lines = [f"POST {request['path']} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    with socket.create_connection((connection.host, connection.port), timeout=20) as peer:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            peer.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        response = http.client.HTTPResponse(peer)
        response.begin()
        return Answer(response.status, response.headers, response.read())


def told(answer):
    """All of an answer but when it was given."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return answer.status, {name: value for name, value in headers.items() if name != "date"}, answer.body


@pytest.mark.parametrize("exchange", [_exchange, exchange_in_one_piece])
@pytest.mark.parametrize("name", SENT)
def test_a_bad_request_is_answered_the_same_on_both_ways(name, exchange, connection):
    case = SENT[name]
    quick, ordinary = (
        exchange(connection, case | {"headers": case["headers"] | NAMED | way}) for way in ({}, ORDINARY)
    )
    assert quick.status == case["expect"]["status"]
    assert told(quick) == told(ordinary)


@pytest.mark.parametrize("exchange", [_exchange, exchange_in_one_piece])
@pytest.mark.parametrize(("path", "body"), GOOD)
def test_a_good_request_is_answered_the_same_on_both_ways(path, body, exchange, connection):
    request = {"method": "POST", "path": f"/models/bad-requests-line{path}/predict", "body": body}
    answers = [exchange(connection, request | {"headers": JSON | NAMED | way}) for way in (ORDINARY, {}) * 4]
    assert answers[0].status == 200
    assert all(told(answer) == told(answers[0]) for answer in answers)
