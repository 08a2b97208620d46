"""Requests that must be refused, each a file of `bad_requests/`, and what every refusal must be.

A file says what is sent (`method`, `path`, `headers` and `body`, `body_base64` or `chunks`; or `raw`, all of it) and
what is expected: `status`, `type`, the `pointer` of the first fault, and what the detail `says`. In a body
`{{item * count}}` stands for the item so many times, with commas between, and `{{item *+ count}}` for the same without.
`bulk` is the same mistake in a body of 100,000 elements, `before` and `after` the wrong one.
"""

import base64
import contextlib
import http.client
import json
import random
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

Case = dict[str, Any]

FOLDER = Path(__file__).parent / "bad_requests"
CASES: dict[str, Case] = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.json"))}

BULK = 100_000
DRAW = random.Random(20)
BULKY = sorted(name for name, case in CASES.items() if "bulk" in case)
DRAWN = [(name, DRAW.randrange(BULK)) for name in sorted(DRAW.sample(BULKY, (len(BULKY) + 1) // 2))]

SECONDS = 20
CHUNK = 1 << 16
JSON = {"Content-Type": "application/json"}
REPEATED = re.compile(r"\{\{(.+?) (\*\+?) (\w+)\}\}", re.DOTALL)
INTERNALS = re.compile(r"Traceback|\w[Ee]rror\b|\w[Ee]xception\b|<class|\.py\b| object at 0x|site-packages")

LINE = {"x": [1, 2, 3, 4], "y": [1.5, 2.0, 3.5, 4.0]}
PLANE = {"x": {"area": [1, 2, 3, 4], "rooms": [1, 0, 1, 1]}, "y": [1, 2, 3, 5]}
STEEP = {"x": [0, 1e-20], "y": [0, 1e150]}


class Answer(NamedTuple):
    """An HTTP response, read whole."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


@pytest.fixture(scope="module")
def models(service: Any) -> None:
    """The models that the files speak of."""
    for name, rows in {"line": LINE, "plane": PLANE, "steep": STEEP}.items():
        request = {"method": "POST", "path": f"/models/bad-requests-{name}/train", "headers": JSON}
        with contextlib.closing(_connect(service)) as connection:
            answer = _exchange(connection, request | {"body": json.dumps(rows)})
        assert answer.status == 201, answer


@pytest.fixture
def connection(service: Any, models: None) -> Iterator[http.client.HTTPConnection]:
    with contextlib.closing(_connect(service)) as opened:
        yield opened


@pytest.mark.parametrize("name", CASES)
def test_refuses(name: str, service: Any, connection: http.client.HTTPConnection) -> None:
    case = CASES[name]
    send = _exchange_raw if "raw" in case else _exchange
    _assert_refused_without_trace(service, connection, case, lambda: send(connection, case), case["expect"])


@pytest.mark.parametrize(("name", "before"), DRAWN, ids=[name for name, _ in DRAWN])
def test_refuses_the_same_in_bulk(name: str, before: int, service: Any, connection: http.client.HTTPConnection) -> None:
    case, bulk = CASES[name], CASES[name]["bulk"]
    counts = {"before": before, "after": BULK - 1 - before, "all": BULK}
    request = case | {"body": _written_out(bulk["body"], counts)}
    expected = {key: case["expect"][key] for key in ("status", "type")}
    if "pointer" in bulk:
        expected["pointer"] = bulk["pointer"].format(**counts)
    _assert_refused_without_trace(service, connection, case, lambda: _exchange(connection, request), expected)


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status"),
    [
        pytest.param("POST", "/models/bad-requests-line/predict", JSON | {"Accept": "text/html"}, b'{"x": 1}', 200),
        pytest.param("POST", "/models/bad-requests-line/predict", JSON | {"Accept": ";;"}, b'{"x": 1}', 200),
        pytest.param("POST", "/models/bad-requests-line/predict?", JSON, b'{"x": 1}', 200),
        pytest.param("POST", "/predict?model=bad%2Drequests%2Dline", JSON, b'{"x": 1}', 200),
        pytest.param(
            "POST",
            "/models/bad-requests-line/predict",
            {"content-type": 'Application/JSON; Charset="UTF-8"'},
            b'{"x": 1}',
            200,
        ),
        pytest.param("HEAD", "/livez", {}, None, 200),
        pytest.param("HEAD", "/models/bad-requests-line", {}, None, 200),
        pytest.param("OPTIONS", "/train", {}, None, 200),
        pytest.param("GET", "/models", JSON, b'{"a body": "that nobody reads"}', 200),
    ],
)
def test_takes_what_only_looks_bad(
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes | None,
    status: int,
    connection: http.client.HTTPConnection,
) -> None:
    connection.request(method, path, body, headers)
    assert _answer(connection.getresponse()).status == status
    _assert_alive(connection)


@pytest.mark.parametrize(
    ("x", "means"),
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
def test_reads_numbers_that_only_look_bad(x: str, means: float, connection: http.client.HTTPConnection) -> None:
    seen, expected = [
        _exchange(
            connection,
            {
                "method": "POST",
                "path": "/models/bad-requests-line/predict",
                "headers": JSON,
                "body": f'{{"x": {text}}}',
            },
        )
        for text in (x, repr(means))
    ]
    assert (seen.status, seen.body) == (200, expected.body)


def _assert_refused_without_trace(
    service: Any,
    connection: http.client.HTTPConnection,
    case: Case,
    send: Callable[[], Answer],
    expected: dict[str, Any],
) -> None:
    before = _models(service)
    answer = send()
    assert answer.status == expected["status"], answer.body[:2000]
    assert answer.headers.get_content_type() == "application/problem+json"
    if case.get("method") == "HEAD":
        assert not answer.body
    else:
        _assert_problem(answer, expected)
    if answer.status == 405:
        assert answer.headers["Allow"]
    _assert_alive(connection)
    assert _models(service) == before


def _assert_problem(answer: Answer, expected: dict[str, Any]) -> None:
    problem = json.loads(answer.body)
    assert problem["type"] == expected["type"], problem
    assert problem["status"] == answer.status
    assert problem["title"]
    assert problem["detail"]
    assert not INTERNALS.search(answer.body.decode()), problem
    assert len(answer.body) < 20_000
    if "pointer" in expected:
        assert problem["errors"][0]["pointer"] == expected["pointer"], problem
    for text in expected.get("says", []):
        assert text in problem["detail"]
    for fault in problem.get("errors", []):
        assert re.fullmatch(r"(/([^~]|~0|~1)*)*", fault["pointer"], re.DOTALL)
        assert fault["detail"]


def _assert_alive(connection: http.client.HTTPConnection) -> None:
    """The same connection still answers, or a new one where the service has said that it closes this."""
    connection.request("GET", "/livez")
    answer = _answer(connection.getresponse())
    assert (answer.status, answer.body) == (200, b"ok\n")


def _models(service: Any) -> Any:
    with contextlib.closing(_connect(service)) as connection:
        connection.request("GET", "/models?limit=1000")
        answer = _answer(connection.getresponse())
    assert answer.status == 200
    return json.loads(answer.body)


def _connect(service: Any) -> http.client.HTTPConnection:
    address = urlsplit(service.url)
    return http.client.HTTPConnection(address.hostname, address.port, timeout=SECONDS)


def _exchange(connection: http.client.HTTPConnection, request: Case) -> Answer:
    # The service may refuse before it has read all; what it said can still be read.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.request(request["method"], request["path"], _body(request), request["headers"])
    return _answer(connection.getresponse())


def _exchange_raw(connection: http.client.HTTPConnection, request: Case) -> Answer:
    """Send bytes as they are, say that no more will come, and read the first answer."""
    with socket.create_connection((connection.host, connection.port), SECONDS) as peer:
        peer.sendall(request["raw"].encode("latin-1"))
        peer.shutdown(socket.SHUT_WR)
        response = http.client.HTTPResponse(peer)
        response.begin()
        return _answer(response)


def _body(request: Case) -> Any:
    if "body_base64" in request:
        return base64.b64decode(request["body_base64"])
    if "chunks" in request:
        return _pieces(request["chunks"])
    return _written_out(request["body"]).encode() if "body" in request else None


def _pieces(chunks: list[str]) -> Iterator[bytes]:
    for chunk in chunks:
        data = _written_out(chunk).encode()
        yield from (data[start : start + CHUNK] for start in range(0, len(data), CHUNK))


def _written_out(text: str, counts: dict[str, int] | None = None) -> str:
    """`text` with its repetitions written out; `counts` says how many those are that have a name."""

    def repeat(found: re.Match[str]) -> str:
        item, sign, count = found.groups()
        times = (counts or {}).get(count) if count.isalpha() else int(count)
        return ("" if sign == "*+" else ", ").join([item] * times)

    return REPEATED.sub(repeat, text)


def _answer(response: http.client.HTTPResponse) -> Answer:
    return Answer(response.status, response.headers, response.read())
