"""Bad requests over a socket are refused, leave the models as they were, and leave the connection usable."""

import contextlib
import json
from pathlib import Path

import bad_request_cases as corpus
import pytest
from exchange import JSON, connect, exchange, exchange_bytes, train_models

HERE = Path(__file__).parent
CASES = corpus.load(HERE / "bad_requests")
BULK_CASES = [name for name, case in CASES.items() if "bulk" in case]
CASES_IN_PROCESS = corpus.load(HERE.parent / "integration/api/bad_requests")
PREDICT = "/models/bad-requests-line/predict"


@pytest.fixture(scope="module")
def models(service):
    with contextlib.closing(connect(service)) as connection:
        train_models(connection)


@pytest.fixture
def connection(service, models):
    with contextlib.closing(connect(service)) as opened:
        yield opened


@pytest.mark.parametrize("name", CASES)
def test_bad_request_is_refused(name, service, connection):
    assert_refused_without_effect(service, connection, CASES[name])


@pytest.mark.parametrize("name", BULK_CASES)
def test_bad_request_is_refused_in_bulk(name, service, connection):
    assert_refused_without_effect(service, connection, corpus.in_bulk(name, CASES[name]))


def test_connection_stays_usable_after_each_bad_request(connection):
    for name, case in CASES_IN_PROCESS.items():
        assert exchange(connection, case).status == case["expect"]["status"], name
        assert_usable(connection)


@pytest.mark.parametrize(
    ("request_line", "headers", "body"),
    [
        (f"POST {PREDICT}", JSON | {"Accept": "text/html"}, '{"x": 1}'),
        (f"POST {PREDICT}", JSON | {"Accept": ";;"}, '{"x": 1}'),
        (f"POST {PREDICT}?", JSON, '{"x": 1}'),
        ("POST /predict?model=bad%2Drequests%2Dline", JSON, '{"x": 1}'),
        (f"POST {PREDICT}", {"content-type": 'Application/JSON; Charset="UTF-8"'}, '{"x": 1}'),
        ("HEAD /livez", {}, None),
        ("HEAD /models/bad-requests-line", {}, None),
        ("OPTIONS /train", {}, None),
        ("GET /models", JSON, '{"a body": "that is not read"}'),
    ],
)
def test_unusual_but_valid_request_is_answered(request_line, headers, body, connection):
    case = {"request": request_line, "headers": headers} | ({} if body is None else {"body": body})
    assert exchange(connection, case).status == 200
    assert_usable(connection)


@pytest.mark.parametrize(
    ("x", "value"),
    [
        ("12345678901234567890123", 12345678901234567890123.0),
        ("-9223372036854775809", -9223372036854775809.0),
        ("1" + 150 * "0", 1e150),
        ("1e-400", 0.0),
        ("-0.0", 0.0),
        ("5e-324", 5e-324),
        ("0." + 400 * "0" + "1", 0.0),
        ("0.1" + 400 * "0", 0.1),
        ('2, "x": 3', 3.0),
        ('2, "\\u0078": 3', 3.0),
        ("\r\n\t 3 \r\n\t", 3.0),
    ],
)
def test_unusual_but_valid_number_is_read(x, value, connection):
    seen, expected = [
        exchange(connection, {"request": f"POST {PREDICT}", "headers": JSON, "body": f'{{"x": {text}}}'})
        for text in (x, repr(value))
    ]
    assert (seen.status, seen.body) == (200, expected.body)


def assert_refused_without_effect(service, connection, case):
    before = list_models(service)
    if "raw" in case:
        response = exchange_bytes(connection, corpus.expand(case["raw"]).encode("latin-1"), half_close=True)
    else:
        response = exchange(connection, case)
    corpus.assert_refused(response, case)
    assert_usable(connection)
    assert list_models(service) == before


def assert_usable(connection):
    """Assert that the connection still answers, or that a new one does if the service announced that it closes."""
    response = exchange(connection, {"request": "GET /livez"})
    assert (response.status, response.body) == (200, b"ok\n")


def list_models(service):
    with contextlib.closing(connect(service)) as connection:
        response = exchange(connection, {"request": "GET /models?limit=1000"})
    assert response.status == 200
    return json.loads(response.body)
