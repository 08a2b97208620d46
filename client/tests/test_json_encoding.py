import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from fake_service import FIT, FakeService, ok

from descent import InvalidArgument
from descent.json_encoding import encode

ARRAY = np.array([[1.0, 4.0], [2.0, 5.0]])
Y = np.array([1.0, 2.0])


@pytest.mark.parametrize("x", [[[1.0], [np.nan]], np.array([[1.0], [np.nan]]), [[np.float32(1)], [None]]])
def test_nan_in_rows_is_sent_as_null(x):
    service = FakeService(ok(FIT))
    service.client().train(x, [float("nan"), 2], sample_weight=np.array([1.0, np.nan]))
    assert json.loads(service.last.content) == {"x": [[1], [None]], "y": [None, 2], "sample_weight": [1, None]}


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda client: client.train([[1, 2], [3, -np.inf]], [1, 2]), "^/x/1/1 is -inf, which JSON does not have"),
        (lambda client: client.train(ARRAY, Y, sample_weight=[1, np.inf]), "^/sample_weight/1 is inf"),
        (lambda client: client.train([1, 2], [1, 2], l2=np.nan), "^/l2 is nan, which JSON does not have"),
        (lambda client: client.train(ARRAY, Y, l2=np.inf), "^/l2 is inf"),
    ],
)
def test_other_numbers_that_json_does_not_have_are_refused_with_their_pointer(call, reason):
    service = FakeService(ok(FIT))
    with pytest.raises(InvalidArgument, match=reason):
        call(service.client())
    assert not service.requests


@pytest.mark.parametrize(
    ("x", "reason"),
    [
        ({1, 2}, "^/x has the type set, which JSON does not have. Use numbers"),
        ([1, Decimal("1.5")], "^/x/1 has the type Decimal"),
        ({("a", 1): [1]}, r"^/x has the key \('a', 1\)\. Use strings"),
    ],
)
def test_types_that_json_does_not_have_are_refused_with_their_pointer(x, reason):
    service = FakeService(ok({}))
    with pytest.raises(InvalidArgument, match=reason):
        service.client().predict(x)
    assert not service.requests


@pytest.mark.parametrize(
    "values",
    [
        np.array([1.5, 2.5]),
        pd.Series([1.5, 2.5]),
        pa.array([1.5, 2.5]),
        [np.float64(1.5), np.float32(2.5)],
        [pa.scalar(1.5), pa.scalar(2.5)],
        (1.5, 2.5),
    ],
    ids=["array", "series", "arrow", "numpy scalars", "arrow scalars", "tuple"],
)
def test_arrays_and_scalars_are_encoded_as_lists_and_numbers(values):
    assert json.loads(encode({"x": {"a": values}})) == {"x": {"a": [1.5, 2.5]}}


def test_a_longdouble_is_encoded_as_a_float():
    assert json.loads(encode({"x": np.longdouble(3), "y": np.ones(2, np.longdouble)})) == {"x": 3, "y": [1, 1]}


def test_keys_that_are_not_strings_are_encoded_the_same_with_missing_values():
    assert json.loads(encode({"x": {None: [1.0, float("nan")], 2: [3.0]}})) == {"x": {"null": [1, None], "2": [3]}}


def test_an_integer_that_is_too_long_is_refused():
    with pytest.raises(InvalidArgument, match="cannot be encoded as JSON"):
        encode({"x": [1, 10**5000]})


def test_a_list_that_contains_itself_is_refused():
    x = [1.0]
    x.append(x)
    with pytest.raises(InvalidArgument, match="cannot be encoded as JSON"):
        encode({"x": x})
