import json

import httpx
import pytest
from fake_service import FakeService, ok

from descent import File, UnexpectedResponse, Unreachable

METRICS = {"n": 2, "mse": 0.5}


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("a,price\n1,2\n")
    return path


@pytest.mark.parametrize(
    ("call", "path"),
    [
        (lambda client: client.predict(1, model="m"), "/models/m/predict"),
        (lambda client: client.predict(1, model="m", version=3), "/models/m/versions/3/predict"),
        (lambda client: client.prediction(1, model="m", version=3), "/models/m/versions/3/predict"),
        (lambda client: client.evaluate([1], [1], model="m"), "/models/m/evaluate"),
        (lambda client: client.evaluate([1], [1], model="m", version=3), "/models/m/versions/3/evaluate"),
    ],
)
def test_each_method_sends_one_request(call, path):
    service = FakeService(ok({"y": 1.0}))
    call(service.client())
    assert [(request.method, request.url.path) for request in service.requests] == [("POST", path)]


def test_a_prediction_has_all_that_was_requested():
    answer = {
        "model": "m", "version": 2, "y": [1.0], "lower": [0.0], "upper": [2.0], "contributions": {"x": [0.5]},
        "mean_prediction": 0.5, "dropped": 1, "ignored_columns": {"count": 1, "names": ["id"]},
    }  # fmt: skip
    options = {"interval": 0.9, "interval_kind": "confidence", "explain": True, "missing": "drop", "strict": False}
    service = FakeService(ok(answer))
    found = service.client().prediction([[1]], **options)
    assert vars(found) == answer | {"groups": None}
    assert json.loads(service.last.content) == {"x": [[1]], **options}


def test_predict_returns_the_values_alone():
    service = FakeService(ok({"y": [1.0, 2.0]}))
    assert service.client().predict([1, None, 2], missing="drop") == [1.0, 2.0]
    assert json.loads(service.last.content) == {"x": [1, None, 2], "missing": "drop"}


def test_the_response_to_a_file_comes_in_pieces(csv):
    service = FakeService(lambda _: httpx.Response(200, content=b"y\n2\n", headers={"Content-Type": "text/csv"}))
    options = {
        "x": ["a"],
        "missing": "drop",
        "interval": 0.9,
        "interval_kind": "confidence",
        "explain": True,
        "strict": True,
    }
    pieces = service.client().predict_file(csv, model="m", version=3, accept="text/csv", **options)
    assert b"".join(pieces) == b"y\n2\n"
    assert service.last.url.path == "/models/m/versions/3/predict"
    assert service.last.headers["Accept"] == "text/csv"
    assert dict(service.last.url.params) == {
        "x": "a", "missing": "drop", "interval": "0.9", "interval_kind": "confidence", "explain": "true",
        "strict": "true",
    }  # fmt: skip
    with pytest.raises(UnexpectedResponse, match="returned text/csv instead of application/json"):
        list(service.client().predict_file(csv))
    assert not service.last.url.params


def test_a_response_that_breaks_off_is_unreachable(csv):
    def broken(_):
        def pieces():
            yield b"y\n"
            raise httpx.ReadError("reset")

        return httpx.Response(200, content=pieces(), headers={"Content-Type": "text/csv"})

    with pytest.raises(Unreachable, match="predict broke off its response: reset"):
        list(FakeService(broken).client().predict_file(csv, accept="text/csv"))


def test_an_evaluation_sends_weights_and_options(csv):
    service = FakeService(ok(METRICS))
    assert service.client().evaluate([1, 2], [1, 2], sample_weight=[1, 3], missing="drop") == METRICS
    sent = {"x": [1, 2], "y": [1, 2], "sample_weight": [1, 3], "missing": "drop"}
    assert json.loads(service.last.content) == sent


def test_a_file_is_evaluated_as_it_is(csv):
    service = FakeService(ok(METRICS))
    columns = {"y": "price", "x": ["a"], "weight": "w", "missing": "drop"}
    found = service.client().evaluate_file(File(csv, "text/csv"), model="m", version=3, **columns)
    assert found == METRICS
    assert service.last.url.path == "/models/m/versions/3/evaluate"
    assert service.last.content == b"a,price\n1,2\n"
    assert service.last.headers["Content-Type"] == "text/csv"
    assert dict(service.last.url.params) == {"y": "price", "x": "a", "weight": "w", "missing": "drop"}
    service.client().evaluate_file(str(csv), model="m")
    assert service.last.url.path == "/models/m/evaluate"
    assert not service.last.url.params
