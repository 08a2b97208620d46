"""The fast path leaves requests to the slow path that it may answer otherwise or cannot answer from memory."""

import dataclasses
import json

import pytest
from fast_path_requests import JSON, SLOW, environ_of, prepare, respond, train

from service.app import create_app


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
