import io
import json

import httpx
import numpy as np
import pytest
from fake_service import FIT, FakeService, ok, problem

from descent import InvalidArgument, Problem
from descent.data import to_data
from descent.request_body import NPY

X = np.array([[1.0, 4.0], [2.0, 5.0], [3.0, 7.0]])
Y = np.array([1.0, 2.0, 4.0])
WEIGHT = np.array([1.0, 1.0, 2.0])


def in_npy(_):
    content = io.BytesIO()
    np.save(content, Y)
    return httpx.Response(200, content=content.getvalue(), headers={"Content-Type": NPY})


in_json = ok({"model": "m", "version": 1, "y": Y.tolist()})


def test_arrays_are_sent_as_npy_with_y_as_the_last_column():
    service = FakeService(ok(FIT))
    service.client().train(X, Y.astype(np.float32), learning_rate=0.5, initial={"w": [0, 1], "b": 0})
    assert service.last.headers["Content-Type"] == NPY
    assert np.array_equal(np.load(io.BytesIO(service.last.content)), np.column_stack([X, Y]))
    assert dict(service.last.url.params) == {"learning_rate": "0.5", "initial": '{"w": [0, 1], "b": 0}'}


def test_arrays_with_weights_are_sent_as_json():
    service = FakeService(ok(FIT))
    service.client().train(X[:, 0], Y, sample_weight=WEIGHT)
    expected = {"x": [[1], [2], [3]], "y": [1, 2, 4], "sample_weight": [1, 1, 2]}
    assert json.loads(service.last.content) == expected


def test_the_service_refuses_lengths_that_differ():
    service = FakeService(problem(422))
    with pytest.raises(Problem):
        service.client().train(X, Y[:2])
    assert json.loads(service.last.content)["y"] == [1, 2]


@pytest.mark.parametrize("response", [in_npy, in_json], ids=["npy", "json"])
@pytest.mark.parametrize("x", [X, X[:, 0], X.astype(np.int32), X.T.copy().T], ids=["rows", "column", "int", "strided"])
def test_predictions_for_an_array_are_an_array(x, response):
    service = FakeService(response)
    found = service.client().predict(x)
    assert service.last.headers["Accept"].startswith(NPY)
    assert isinstance(found, np.ndarray)
    assert found.dtype == np.float64
    assert np.array_equal(found, Y)
    assert np.load(io.BytesIO(service.last.content)).ndim == 2


def test_masked_numbers_are_missing_values():
    masked = np.ma.array([[1, 999]], mask=[[False, True]])
    sent = np.load(io.BytesIO(to_data(masked).to_binary().content))
    assert np.array_equal(sent, [[1, np.nan]], equal_nan=True)


def test_booleans_are_0_and_1():
    sent = np.load(io.BytesIO(to_data(np.array([[True, False]])).to_binary().content))
    assert (sent.dtype, sent.tolist()) == (np.float64, [[1, 0]])


@pytest.mark.parametrize(
    "x",
    [np.array([[1 + 5j]]), np.array([["1"]]), np.array(["2026-01-01"], dtype="datetime64[D]")],
    ids=["complex", "str", "date"],
)
def test_arrays_of_other_types_are_refused(x):
    with pytest.raises(InvalidArgument, match=r"^x is an array of .*\. Use one of real numbers"):
        to_data(x)


@pytest.mark.parametrize(
    ("x", "y", "reason"),
    [
        (np.zeros((2, 2, 2)), None, "^x has 3 dimensions, but at most 2 are allowed"),
        (X, ["a", "b", "c"], "^y is an array of <U1"),
        (X, [1, [2], 3], "^y is not an array of numbers"),
    ],
)
def test_arrays_that_cannot_be_sent_are_refused(x, y, reason):
    service = FakeService(ok({}))
    with pytest.raises(InvalidArgument, match=reason):
        service.client().train(x, y)
    assert not service.requests
