import json

import pytest
from fake_service import FIT, FakeService, ok, problem

from descent import File, InvalidArgument

EVERY_OPTION = {
    "missing": "drop", "method": "autograd", "learning_rate": 0.1, "epochs": 5, "initial": {"w": [1, 2], "b": 0},
    "seed": 20, "standardize": False, "fit_intercept": False, "l2": 0.5, "append": 3, "decay": 0.9, "dry_run": True,
}  # fmt: skip


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_bytes(b"x,y\n" + b"1,2\n" * 200_000)
    return path


def test_options_that_are_not_given_are_not_sent(csv):
    service = FakeService(ok(FIT))
    assert service.client().train([1, 2], [2, 4]) == FIT
    assert service.last.url.path == "/models/default/train"
    assert json.loads(service.last.content) == {"x": [1, 2], "y": [2, 4]}
    service.client().train_file(csv)
    assert not service.last.url.params


def test_every_option_is_sent(csv):
    service = FakeService(ok(FIT))
    service.client().train([1, 2], [2, 4], model="m", sample_weight=[1, 3], **EVERY_OPTION)
    assert service.last.url.path == "/models/m/train"
    assert json.loads(service.last.content) == {"x": [1, 2], "y": [2, 4], "sample_weight": [1, 3], **EVERY_OPTION}
    service.client().train_file(csv, model="m", y="price", x=["a", "b, c"], weight="w", **EVERY_OPTION)
    assert service.last.url.path == "/models/m/train"
    assert dict(service.last.url.params) == {
        "y": "price", "x": 'a,"b, c"', "weight": "w", "missing": "drop", "method": "autograd", "learning_rate": "0.1",
        "epochs": "5", "initial": '{"w": [1, 2], "b": 0}', "seed": "20", "standardize": "false",
        "fit_intercept": "false", "l2": "0.5", "append": "3", "decay": "0.9", "dry_run": "true",
    }  # fmt: skip


def test_words_are_sent_and_none_is_not(csv):
    service = FakeService(ok(FIT))
    options = {"epochs": "converged", "initial": "zeros", "standardize": "auto"}
    service.client().train([1, 2], [2, 4], append=True, seed=None, **options)
    assert json.loads(service.last.content) == {"x": [1, 2], "y": [2, 4], "append": True, **options}
    service.client().train_file(csv, append=True, seed=None, **options)
    assert dict(service.last.url.params) == {"append": "true", **options}


def test_a_retried_file_is_sent_from_its_beginning(csv):
    reported = []
    service = FakeService(problem(503), ok(FIT))
    file = File(csv, "text/csv", "gzip", lambda sent, total: reported.append((sent, total)))
    assert service.client().train_file(file, model="m") == FIT
    assert [request.content for request in service.requests] == [csv.read_bytes()] * 2
    assert service.last.headers["Content-Length"] == str(csv.stat().st_size)
    assert "Transfer-Encoding" not in service.last.headers
    assert (service.last.headers["Content-Type"], service.last.headers["Content-Encoding"]) == ("text/csv", "gzip")
    assert [sent for sent, _ in reported].count(0) == 2
    assert reported[-1] == (csv.stat().st_size, csv.stat().st_size)


def test_an_idempotency_key_of_the_caller_is_sent(csv):
    service = FakeService(ok(FIT))
    service.client().train([1, 2], [2, 4], idempotency_key="mine")
    service.client().train_file(csv, idempotency_key="mine")
    assert [request.headers["Idempotency-Key"] for request in service.requests] == ["mine", "mine"]


@pytest.mark.parametrize("key", ["", "kéy", "a\nb"])
def test_a_key_that_no_header_can_hold_is_not_sent(key):
    with pytest.raises(InvalidArgument, match=r"^idempotency_key is .*\. Use printable ASCII"):
        FakeService(ok({})).client().train([1, 2], [1, 2], idempotency_key=key)
