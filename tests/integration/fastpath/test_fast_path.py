"""The fast path answers, counts and logs as the slow path does."""

import json
import re

import pytest
from fast_path_requests import FAST, JSON, SLOW, environ_of, prepare, respond, train

from service.fastpath import predict
from service.serving.predictor import LoadedModel


def counted(client):
    """Return the samples of /metrics without times and without those of the scrape itself."""
    lines = [line for line in client.get("/metrics").text.splitlines() if line[:1] != "#" and "_bucket" not in line]
    values = dict(line.rsplit(" ", 1) for line in lines)
    excluded = re.compile("_sum|_created|/metrics")
    return {name: float(value) for name, value in values.items() if not excluded.search(name)}


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


def test_a_request_id_is_made_if_the_client_sends_none_or_an_invalid_one(app):
    for given in ({}, {"X-Request-ID": "not one"}):
        headers = dict(respond(app, "/predict", '{"x": 5}', **given).headers)
        assert len(headers["X-Request-ID"]) == 16
