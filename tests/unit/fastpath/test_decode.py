"""Bodies that are costly to decode are refused before any object is built."""

import json

import pytest

from service.fastpath import decode as module
from service.fastpath.decode import decode
from service.formats.json import simd


def body(x):
    return json.dumps({"x": x}, separators=(",", ":")).encode()


def records(n, d):
    return body([{f"c{j}": 1.5 for j in range(d)} for _ in range(n)])


def columns(d, n):
    return body({f"c{j}": [1.5] * n for j in range(d)})


@pytest.mark.parametrize(
    "value",
    [
        5,
        [1.5, 2, -3e5],
        [[1, 2], [3, 4]],
        {"a": 1, "b": 2},
        [{"a": 1}, {"a": 2}],
        [1.5] * 1000,
        [[1.5, 2.5]] * 500,
        {"a": [1.5] * 500, "b": [2] * 500},
        [{"a": 1, "b": 2}] * 300,
        {f"c{j}": 1.5 for j in range(500)},
    ],
)
def test_bodies_of_moderate_cost_are_decoded(value):
    assert decode(body(value)) == {"x": value}


@pytest.mark.parametrize("value", [[1.5] * 10_000, [[1.5]] * 10_000, [[1.5] * 5] * 2000, {"a": [1.5] * 9000}])
def test_large_arrays_are_decoded_as_arrays(value):
    [decoded] = decode(body(value)).values()
    if isinstance(value, dict):
        decoded = {name: column.tolist() for name, column in decoded.items()}
        assert decoded == value
    else:
        assert decoded.tolist() == value


COSTLY = [
    records(12_000, 1),
    records(2400, 5),
    columns(1000, 1),
    columns(500, 20),
    body([1] * 100_000),
    body([[1]] * 50_000),
    body([{}] * 80_000),
    body({f"c{j}": 1 for j in range(20_000)}),
]


@pytest.mark.parametrize("text", COSTLY)
def test_costly_bodies_are_refused_before_they_are_parsed(text, monkeypatch):
    assert len(text) < 300_000
    json.loads(text)
    parsed = []
    monkeypatch.setattr(module.orjson, "loads", parsed.append)
    monkeypatch.setattr(simd, "decode", parsed.append)
    assert decode(text) is None
    assert parsed == []


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b'{"x": NaN}',
        b'{"x": 1e400}x',
        b'{"x": "\xff"}',
        b"[" * 2000,
        b'{"x": [' + b"1.5, " * 5000 + b"null]}",
        b'{"x": [' + b"1.5, " * 5000 + b"1.5}",
    ],
)
def test_refused_bodies_are_parsed_once(text, monkeypatch):
    calls = []
    loads, parse = module.orjson.loads, simd.decode
    monkeypatch.setattr(module.orjson, "loads", lambda body: calls.append(body) or loads(body))
    monkeypatch.setattr(simd, "decode", lambda body: calls.append(body) or parse(body))
    assert decode(text) is None
    assert calls == [text]
