"""The fast path answers as the slow path does, and leaves all other requests to it."""

import dataclasses
import json
import re
import time

import pytest
from werkzeug.test import EnvironBuilder

from service.app import create_app
from service.fastpath import predict
from service.fastpath.middleware import head_of
from service.serving.predictor import LoadedModel

JSON = "application/json"
SLOW = {"Content-Encoding": "identity"}
"""A header without effect that the fast path does not accept."""


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


def respond(app, path, body, content_type=JSON, **headers):
    """Return the response of the fast path, or None if it leaves the request to the slow path."""
    environ = environ_of(path, body, content_type, headers)
    pending = prepare(app, environ, body)
    return pending and app.fast_path.execute([pending])[0]


def prepare(app, environ, body):
    match = app.fast_path.match(head_of(environ))
    if match is None:
        return None
    match = match._replace(request_id=environ.get("HTTP_X_REQUEST_ID", ""))
    return app.fast_path.prepare(match, environ.get("REMOTE_ADDR"), body.encode(), time.perf_counter())


def environ_of(path, body, content_type=JSON, headers=None):
    length = (headers or {}).pop("Content-Length", str(len(body)))
    builder = EnvironBuilder(path=path, method="POST", data=body, content_type=content_type, headers=headers)
    return builder.get_environ() | {"CONTENT_LENGTH": length}


FAST = [
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


@pytest.mark.parametrize(("path", "body"), FAST)
def test_responses_of_both_paths_are_the_same(app, path, body):
    fast = respond(app, path, body, **{"X-Request-ID": "me"})
    slow = app.test_client().post(path, data=body, content_type=JSON, headers={"X-Request-ID": "me", **SLOW})
    assert slow.status_code == 200
    assert fast.body == slow.data
    assert dict(fast.headers) == dict(slow.headers)


@pytest.mark.parametrize(("path", "body"), FAST)
def test_metrics_of_both_paths_are_the_same(app, path, body):
    client = app.test_client()
    counts = []
    for headers in ({}, SLOW):
        before = counted(client)
        client.post(path, data=body, content_type=JSON, headers=headers)
        more = {name: value - before.get(name, 0) for name, value in counted(client).items()}
        counts.append({name: value for name, value in more.items() if value})
    assert counts[0] == counts[1]
    assert counts[0]["descent_predict_duration_seconds_count"] == 1


def test_requests_have_the_same_response_alone_and_in_a_batch(app):
    train(app.test_client(), "steep", {"x": [0, 1e-20], "y": [0, 1e150]})
    calls = [*FAST, ("/models/steep/predict", '{"x": 1e150}'), ("/models/steep/predict", '{"x": 2}'), *FAST[:5]]
    environs = [environ_of(path, body, headers={"X-Request-ID": str(i)}) for i, (path, body) in enumerate(calls)]
    alone = [respond(app, path, body, **{"X-Request-ID": str(i)}) for i, (path, body) in enumerate(calls)]
    batch = [prepare(app, environ, body) for environ, (_, body) in zip(environs, calls, strict=True)]
    assert app.fast_path.execute(batch) == alone
    assert [i for i, response in enumerate(alone) if response is None] == [len(FAST)]


def test_nothing_is_in_progress_afterwards(app):
    client = app.test_client()
    for _, body in [*FAST, ("", '{"x": null}'), ("", "{")]:
        client.post("/predict", data=body, content_type=JSON)
    assert "descent_http_requests_in_progress 1.0\n" in client.get("/metrics").text  # the scrape itself


@pytest.mark.parametrize(
    "send",
    [
        lambda client: client.get("/docs"),
        lambda client: client.post("/predict", data="x\n" + "1\n" * 100_000, content_type="text/csv"),
    ],
)
def test_nothing_is_in_progress_after_a_file_or_a_stream(app, send):
    client = app.test_client()
    with send(client) as response:
        assert response.data
    assert "descent_http_requests_in_progress 1.0\n" in client.get("/metrics").text


def test_an_exception_in_one_group_leaves_that_group_alone_to_the_slow_path(app, monkeypatch, caplog):
    client = app.test_client()
    calls = [("/predict", '{"x": 5}'), ("/models/plane/predict", '{"x": [[1, 2]]}'), ("/predict", '{"x": 6}')]
    batch = [prepare(app, environ_of(path, body), body) for path, body in calls]
    before = counted(client)
    failing, forward = batch[1].loaded, LoadedModel.forward
    monkeypatch.setattr(LoadedModel, "forward", lambda self, x: 1 / 0 if self is failing else forward(self, x))
    first, failed, last = app.fast_path.execute(batch)
    assert (json.loads(first.body)["version"], failed, json.loads(last.body)["version"]) == (2, None, 2)
    assert "ZeroDivisionError" in caplog.text
    after = counted(client)
    assert {name: value - before.get(name, 0) for name, value in after.items() if value != before.get(name, 0)} == {
        'descent_http_request_duration_seconds_count{method="POST",route="/predict",status="200"}': 2,
        "descent_predict_duration_seconds_count": 2,
        'descent_predictions_total{model="default"}': 2,
        'descent_predicted_rows_total{model="default"}': 2,
        'descent_out_of_range_rows_total{model="default"}': 2,
    }


def test_requests_whose_responses_fail_are_not_counted(app, monkeypatch):
    client = app.test_client()
    batch = [prepare(app, environ_of("/predict", body), body) for body in ('{"x": 5}', '{"x": 6}')]
    before = counted(client)
    request_ids = ["a"]
    monkeypatch.setattr(predict, "request_id", lambda _: request_ids.pop())
    assert app.fast_path.execute(batch) == [None, None]
    assert counted(client) == before


def counted(client):
    """Return the samples of /metrics without times and without those of the scrape itself."""
    lines = [line for line in client.get("/metrics").text.splitlines() if line[:1] != "#" and "_bucket" not in line]
    values = dict(line.rsplit(" ", 1) for line in lines)
    excluded = re.compile("_sum|_created|/metrics")
    return {name: float(value) for name, value in values.items() if not excluded.search(name)}


def test_log_records_of_both_paths_are_the_same(app, caplog):
    client = app.test_client()
    with caplog.at_level("INFO"):
        for headers in ({}, SLOW):
            client.post("/predict", data='{"x": 5}', content_type=JSON, headers={"X-Request-ID": "me", **headers})
    logged = [each for record in caplog.records if record.message == "request" for each in record.requests]
    fast, slow = (each | {"ms": None} for each in logged)
    assert fast == slow


def test_log_records_wait_for_a_flush(app, caplog):
    with caplog.at_level("INFO"):
        for _ in range(2):
            assert respond(app, "/predict", '{"x": 5}')
        assert not [record for record in caplog.records if record.message == "request"]
        for _ in range(2):
            app.fast_path.flush_log()
    [record] = [record for record in caplog.records if record.message == "request"]
    assert len(record.requests) == 2


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
        ("//predict", '{"x": 5}'),
        ("//predict?model=plane", '{"x": [[1, 2]]}'),
        ("/models//default/predict", '{"x": 5}'),
        ("/models/default//predict", '{"x": 5}'),
        ("/predict", ""),
        ("/predict", json.dumps({"x": [1.5] * 60_000})),
    ],
)
def test_other_requests_are_left_to_the_slow_path(app, path, body):
    assert respond(app, path, body) is None
    default = app.test_client().post(path, data=body, content_type=JSON)
    slow = app.test_client().post(path, data=body, content_type=JSON, headers=SLOW)
    assert (default.status_code, default.data) == (slow.status_code, slow.data)


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
def test_headers_that_change_the_request_or_the_response_are_left_to_the_slow_path(app, headers):
    assert respond(app, "/predict", '{"x": 5}', **headers) is None


@pytest.mark.parametrize("host", ["a", "a.b-c.example:8000", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST"])
def test_hosts_that_the_router_accepts_are_call(app, host):
    assert respond(app, "/predict", '{"x": 5}', Host=host) is not None
    assert app.test_client().post("/predict", json={"x": 5}, headers={"Host": host, **SLOW}).status_code == 200


def test_other_media_types_are_left_to_the_slow_path(app):
    for media_type in ("text/csv", "application/json; charset=latin-1", "text/json", ""):
        assert respond(app, "/predict", '{"x": 5}', media_type) is None


def test_responses_that_are_to_be_compressed_are_left_to_the_slow_path(app):
    body = json.dumps({"x": list(range(400))})
    assert respond(app, "/predict", body) is not None
    assert respond(app, "/predict", body, **{"Accept-Encoding": "gzip"}) is None
    assert respond(app, "/predict", '{"x": 5}', **{"Accept-Encoding": "gzip"}) is not None


def test_versions_that_are_not_in_memory_are_left_to_the_slow_path(app):
    assert respond(app, "/predict", '{"x": 5}') is not None
    app.test_client().post("/train", json={"x": [1, 2], "y": [5, 6]})
    assert respond(app, "/predict", '{"x": 5}') is None
    assert app.test_client().post("/predict", json={"x": 5}).json == {"model": "default", "version": 3, "y": 9.0}
    assert b'"version":3' in respond(app, "/predict", '{"x": 5}').body


def test_a_request_id_is_made_if_the_client_sends_none_or_an_invalid_one(app):
    for given in ({}, {"X-Request-ID": "not one"}):
        headers = dict(respond(app, "/predict", '{"x": 5}', **given).headers)
        assert len(headers["X-Request-ID"]) == 16


def test_an_incomplete_body_is_reported_by_the_slow_path(app):
    response = call(app, environ_of("/predict", '{"x": 5}', headers={"Content-Length": "100"}))
    assert response[0] == "400 BAD REQUEST"
    assert b"ended after 8 of the 100 bytes" in response[1]


def test_a_broken_body_is_read_once_and_reported_by_the_slow_path(app):
    waits = []

    class Broken:
        def read(self, size):
            waits.append(size)
            raise BlockingIOError

    environ = environ_of("/predict", '{"x": 5}') | {"wsgi.input": Broken()}
    assert call(app, environ)[0] == "400 BAD REQUEST"
    assert len(waits) == 1


def call(app, environ):
    """Return the status and the body of an app's response."""
    statuses = []
    body = b"".join(app(environ, lambda status, headers, error=None: statuses.append(status)))
    return statuses[0], body


def test_a_refused_body_elects_no_refresher_of_the_store(settings):
    app = create_app(dataclasses.replace(settings, store_refresh_seconds=1))
    client = app.test_client()
    train(client, "default", {"x": [1, 2], "y": [1, 2]})
    predictor = app.extensions["descent"].predictor
    expired = predictor._resolved["default", None]._replace(at=0.0)
    predictor._resolved["default", None] = expired
    refused, plain = '{"x": "a"}', '{"x": 5}'
    assert prepare(app, environ_of("/predict", refused), refused) is None
    assert prepare(app, environ_of("/predict", plain), plain) is None
    assert prepare(app, environ_of("/predict", plain), plain) is not None
