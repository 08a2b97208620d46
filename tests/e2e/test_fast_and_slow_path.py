"""The fast path and the slow path answer a request alike. A header without effect selects the slow path.

The requests are the corpus of bad requests, and some good ones, sent in two segments as http.client does and in one.
"""

import contextlib
from pathlib import Path

import bad_request_cases as corpus
import pytest
from exchange import JSON, connect, exchange, exchange_bytes, train_models

SLOW = {"Content-Encoding": "identity"}
NAMED = {"X-Request-ID": "me"}
TESTS = Path(__file__).parents[1]
CASES = corpus.load(TESTS / "integration/api/bad_requests") | corpus.load(TESTS / "e2e/bad_requests")
SENT = {
    name: case
    for name, case in CASES.items()
    if case.get("request", "").startswith("POST ") and not {"Content-Encoding", "Content-Length"} & set(case["headers"])
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
    """A connection to a service with the models that the cases send requests to."""
    with contextlib.closing(connect(service)) as opened:
        train_models(opened)
        yield opened


def exchange_in_one_piece(connection, case):
    """Send head and body in one segment, on a connection of its own."""
    body = corpus.body(case) or b""
    body = body if isinstance(body, bytes) else b"".join(body)
    fields = {"Host": "here", "Content-Length": len(body), **case["headers"]}
    method, target = corpus.request_line(case)
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return exchange_bytes(connection, "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)


def without_date(response):
    """Return a response without its date."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    return response.status, {name: value for name, value in headers.items() if name != "date"}, response.body


@pytest.mark.parametrize("send", [exchange, exchange_in_one_piece])
@pytest.mark.parametrize("name", SENT)
def test_a_bad_request_is_answered_alike(name, send, connection):
    case = SENT[name]
    fast, slow = (send(connection, case | {"headers": case["headers"] | NAMED | path}) for path in ({}, SLOW))
    assert fast.status == case["expect"]["status"]
    assert without_date(fast) == without_date(slow)


@pytest.mark.parametrize("send", [exchange, exchange_in_one_piece])
@pytest.mark.parametrize(("suffix", "body"), GOOD)
def test_a_good_request_is_answered_alike(suffix, body, send, connection):
    request = {"request": f"POST /models/bad-requests-line{suffix}/predict", "body": body}
    responses = [send(connection, request | {"headers": JSON | NAMED | path}) for path in (SLOW, {}) * 4]
    assert responses[0].status == 200
    assert all(without_date(response) == without_date(responses[0]) for response in responses)
