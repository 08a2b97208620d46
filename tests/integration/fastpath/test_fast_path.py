"""The quick way answers as the ordinary way does, and gives back what it does not answer."""

import dataclasses
import json
import re
import time

import pytest
from werkzeug.test import EnvironBuilder

from service.app import create_app
from service.fastpath import predict

JSON = "application/json"
ORDINARY = {"Content-Encoding": "identity"}
"""What means nothing, and is nothing for the quick way."""


@pytest.fixture
def app(settings):
    app = create_app(dataclasses.replace(settings, store_refresh_seconds=1000, log_min_duration_ms=0))
    client = app.test_client()
    train(client, "default", {"x": [1, 2, 3], "y": [1, 2, 4]})
    train(client, "plane", {"x": [[1, 2], [3, 5], [2, 2], [1, 1]], "y": [1, 2, 4, 3]})
    train(client, "named", {"x": {"area": [1, 2, 3, 4], "rooms": [1, 3, 2, 2]}, "y": [1, 2, 4, 3]})
    train(client, "default", {"x": [1, 2, 3], "y": [1, 2, 5]})
    return app


def train(client, model, rows):
    assert client.post(f"/models/{model}/train", json=rows).status_code == 201
    for version in ("", "/versions/1"):
        x = rows["x"] if isinstance(rows["x"], dict) else rows["x"][:1]
        assert client.post(f"/models/{model}{version}/predict", json={"x": x}).status_code == 200


def ask(app, path, body, content_type=JSON, **headers):
    """The quick way's own answer, or None where it gives back."""
    environ = environ_of(path, body, content_type, headers)
    asked = read(app, environ, body)
    return asked and app.fast_path.answer([asked]).replies[0]


def read(app, environ, body):
    call = predict.match_route(environ)
    return call and app.fast_path.read(call, environ.get("REMOTE_ADDR"), body.encode(), time.perf_counter())


def environ_of(path, body, content_type=JSON, headers=None):
    length = (headers or {}).pop("Content-Length", str(len(body)))
    builder = EnvironBuilder(path=path, method="POST", data=body, content_type=content_type, headers=headers)
    return builder.get_environ() | {"CONTENT_LENGTH": length}


QUICK = [
    ("/predict", '{"x": 5}'),
    ("/predict", '{"x": [5]}'),
    ("/predict", '{"x": [5, 2, 1.5e3, -7]}'),
    ("/predict", ' {"x" :[5]} '),
    ("/predict", '{"x": 1, "x": 2}'),
    ("/predict", '{"x": {"x": 3}}'),
    ("/predict", '{"x": {"x": [3, 4]}}'),
    ("/predict", '{"x": [{"x": 3}, {"x": 4}]}'),
    ("/predict", '{"x": [[3], [4]]}'),
    ("/predict", '{"x": [12345678901234567890123]}'),
    ("/predict?model=plane", '{"x": [[1, 2]]}'),
    ("/models/plane/predict", '{"x": [[1, 2], [0.1, 900]]}'),
    ("/models/named/predict", '{"x": {"rooms": 2, "area": 9}}'),
    ("/models/named/predict", '{"x": {"rooms": [2, 3], "area": [9, 1]}}'),
    ("/models/named/predict", '{"x": [[1, 2]]}'),
    ("/models/default/versions/1/predict", '{"x": [5]}'),
    ("/predict", json.dumps({"x": list(range(40))})),
]


@pytest.mark.parametrize(("path", "body"), QUICK)
def test_answers_as_the_ordinary_way_does(app, path, body):
    quickly = ask(app, path, body, **{"X-Request-ID": "me"})
    headers = {"X-Request-ID": "me", **ORDINARY}
    ordinarily = app.test_client().post(path, data=body, content_type=JSON, headers=headers)
    assert ordinarily.status_code == 200
    assert quickly.body == ordinarily.data
    assert dict(quickly.headers) == dict(ordinarily.headers)


@pytest.mark.parametrize(("path", "body"), QUICK)
def test_counts_as_the_ordinary_way_does(app, path, body):
    client = app.test_client()
    counts = []
    for headers in ({}, ORDINARY):
        before = counted(client)
        client.post(path, data=body, content_type=JSON, headers=headers)
        more = {name: value - before.get(name, 0) for name, value in counted(client).items()}
        counts.append({name: value for name, value in more.items() if value})
    assert counts[0] == counts[1]
    assert counts[0]["descent_predict_duration_seconds_count"] == 1


def test_calls_that_are_answered_together_have_the_answers_of_calls_alone(app):
    train(app.test_client(), "steep", {"x": [0, 1e-20], "y": [0, 1e150]})
    calls = [*QUICK, ("/models/steep/predict", '{"x": 1e150}'), ("/models/steep/predict", '{"x": 2}'), *QUICK[:5]]
    environs = [environ_of(path, body, headers={"X-Request-ID": str(i)}) for i, (path, body) in enumerate(calls)]
    alone = [ask(app, path, body, **{"X-Request-ID": str(i)}) for i, (path, body) in enumerate(calls)]
    asked = [read(app, environ, body) for environ, (_, body) in zip(environs, calls, strict=True)]
    assert app.fast_path.answer(asked).replies == alone
    assert [i for i, reply in enumerate(alone) if reply is None] == [len(QUICK)]


def test_nothing_is_in_progress_afterwards(app):
    client = app.test_client()
    for _, body in [*QUICK, ("", '{"x": null}'), ("", "{")]:
        client.post("/predict", data=body, content_type=JSON)
    assert "descent_http_requests_in_progress 1.0\n" in client.get("/metrics").text  # the scrape itself


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.get("/docs"),
        lambda client: client.post("/predict", data="x\n" + "1\n" * 100_000, content_type="text/csv"),
    ],
)
def test_nothing_is_in_progress_after_an_answer_however_it_goes_out(app, ask):
    client = app.test_client()
    with ask(client) as answered:
        assert answered.data
    assert "descent_http_requests_in_progress 1.0\n" in client.get("/metrics").text


def test_nothing_is_told_of_calls_whose_answers_fail(app, monkeypatch):
    client = app.test_client()
    environs = [environ_of("/predict", '{"x": 5}'), environ_of("/predict", '{"x": 6}')]
    asked = [read(app, environ, '{"x": 5}') for environ in environs]
    before = counted(client)
    left = ["a"]
    monkeypatch.setattr(predict, "request_id", lambda _: left.pop())
    with pytest.raises(IndexError):
        app.fast_path.answer(asked)
    assert counted(client) == before


def counted(client):
    """What /metrics counts of predictions, but for the scrape's own and for times."""
    lines = [line for line in client.get("/metrics").text.splitlines() if line[:1] != "#" and "_bucket" not in line]
    values = dict(line.rsplit(" ", 1) for line in lines)
    apart = re.compile("_sum|_created|/metrics")
    return {name: float(value) for name, value in values.items() if not apart.search(name)}


def test_tells_the_log_what_the_ordinary_way_does(app, caplog):
    client = app.test_client()
    with caplog.at_level("INFO"):
        for headers in ({}, ORDINARY):
            client.post("/predict", data='{"x": 5}', content_type=JSON, headers={"X-Request-ID": "me", **headers})
    told = [each for record in caplog.records if record.message == "request" for each in record.requests]
    quickly, ordinarily = (each | {"ms": None} for each in told)
    assert quickly == ordinarily


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/predict", '{"x": null}'),
        ("/predict", '{"x": [5, null]}'),
        ("/predict", '{"x": [NaN]}'),
        ("/predict", '{"x": [1e400]}'),
        ("/predict", '{"x": [1e200]}'),
        ("/predict", '{"x": "5"}'),
        ("/predict", '{"x": []}'),
        ("/predict", '{"x": [1, [2]]}'),
        ("/predict", "[5]"),
        ("/predict", "{"),
        ("/predict", '{"x": 5, "explain": true}'),
        ("/predict", '{"x": 5, "interval": null}'),
        ("/predict", '{"z": 5}'),
        ("/predict?", '{"x": [[1, 2]]}'),
        ("/predict?model=nobody", '{"x": 5}'),
        ("/predict?model=default&model=default", '{"x": 5}'),
        ("/predict?model=%64efault", '{"x": 5}'),
        ("/predict?x=a", '{"x": 5}'),
        ("/models/default/predict?model=plane", '{"x": 5}'),
        ("/models/default/versions/7/predict", '{"x": 5}'),
        ("/models/default/versions/0/predict", '{"x": 5}'),
        ("/models/default/versions/01/predict", '{"x": 5}'),
        ("/models/..%2F/predict", '{"x": 5}'),
        ("/models/plane/predict", '{"x": [5]}'),
        ("/models/named/predict", '{"x": {"area": 5}}'),
        ("/predict/", '{"x": 5}'),
        ("/predict", ""),
        ("/predict", json.dumps({"x": [1.5] * 60_000})),
    ],
)
def test_gives_back_what_it_does_not_surely_answer(app, path, body):
    assert ask(app, path, body) is None
    with_length = app.test_client().post(path, data=body, content_type=JSON)
    ordinary = app.test_client().post(path, data=body, content_type=JSON, headers=ORDINARY)
    assert (with_length.status_code, with_length.data) == (ordinary.status_code, ordinary.data)


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "text/csv"},
        {"Accept": "application/json;q=0.1, text/csv"},
        {"Transfer-Encoding": "chunked"},
        {"Content-Encoding": "gzip"},
        {"Content-Length": "9" * 30},
        {"Content-Length": "²"},
        {"Host": "a..b"},
        {"Host": "a" * 64},
        {"Host": "xn--a"},
        {"Host": "a_b"},
    ],
)
def test_gives_back_what_is_to_be_read_or_answered_otherwise(app, headers):
    assert ask(app, "/predict", '{"x": 5}', **headers) is None


@pytest.mark.parametrize("host", ["a", "a.b-c.example:8000", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST"])
def test_the_host_does_not_matter(app, host):
    assert ask(app, "/predict", '{"x": 5}', Host=host) is not None
    assert app.test_client().post("/predict", json={"x": 5}, headers={"Host": host, **ORDINARY}).status_code == 200


def test_gives_back_other_media_types(app):
    for media_type in ("text/csv", "application/json; charset=latin-1", "text/json", ""):
        assert ask(app, "/predict", '{"x": 5}', media_type) is None


def test_gives_back_answers_that_are_to_be_compressed(app):
    body = json.dumps({"x": list(range(400))})
    assert ask(app, "/predict", body) is not None
    assert ask(app, "/predict", body, **{"Accept-Encoding": "gzip"}) is None
    assert ask(app, "/predict", '{"x": 5}', **{"Accept-Encoding": "gzip"}) is not None


def test_answers_only_with_what_is_in_memory_and_new(app):
    assert ask(app, "/predict", '{"x": 5}') is not None
    app.test_client().post("/train", json={"x": [1, 2], "y": [5, 6]})
    assert ask(app, "/predict", '{"x": 5}') is None
    assert app.test_client().post("/predict", json={"x": 5}).json == {"model": "default", "version": 3, "y": 9.0}
    assert b'"version":3' in ask(app, "/predict", '{"x": 5}').body


def test_a_request_id_is_made_where_none_is_accepted(app):
    for given in ({}, {"X-Request-ID": "not one"}):
        headers = dict(ask(app, "/predict", '{"x": 5}', **given).headers)
        assert len(headers["X-Request-ID"]) == 16


def test_a_body_that_ends_early_is_told_of_as_ever(app):
    answer = answered(app, environ_of("/predict", '{"x": 5}', headers={"Content-Length": "100"}))
    assert answer[0] == "400 BAD REQUEST"
    assert b"ended after 8 of the 100 bytes" in answer[1]


def test_a_body_that_breaks_off_is_told_of_as_ever(app):
    waits = []

    class Broken:
        def read(self, size):
            waits.append(size)
            raise BlockingIOError

    environ = environ_of("/predict", '{"x": 5}') | {"wsgi.input": Broken()}
    assert answered(app, environ)[0] == "400 BAD REQUEST"
    assert len(waits) == 1


def answered(app, environ):
    """The status and the body of an app's answer."""
    statuses = []
    body = b"".join(app(environ, lambda status, headers, error=None: statuses.append(status)))
    return statuses[0], body


def test_a_body_that_is_refused_leaves_the_look_at_the_store_to_another_call(settings):
    app = create_app(dataclasses.replace(settings, store_refresh_seconds=1))
    client = app.test_client()
    train(client, "default", {"x": [1, 2], "y": [1, 2]})
    predictor = app.extensions["descent"].predictor
    time_to_look = predictor._resolved["default", None]._replace(at=0.0)
    predictor._resolved["default", None] = time_to_look
    refused, plain = '{"x": "a"}', '{"x": 5}'
    assert read(app, environ_of("/predict", refused), refused) is None
    assert read(app, environ_of("/predict", plain), plain) is None
    assert read(app, environ_of("/predict", plain), plain) is not None
