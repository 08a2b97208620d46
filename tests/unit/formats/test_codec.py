"""JSON texts that orjson refuses: values that are accepted all the same, and the explanation of errors."""

import math

import numpy as np
import pytest

from service.errors import MalformedBody
from service.formats.json import simd
from service.formats.json.codec import decode, decode_rows, encode


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"\xff", "byte 0 is invalid"),
        (b'{"x": 1,}', "line 1, column"),
        (b"[NaN]", "NaN is not a JSON number"),
        (b"[-Infinity]", "-Infinity is not a JSON number"),
        (b'["\\ud800"]', "surrogate"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_text_that_is_not_json_is_explained(body, message):
    with pytest.raises(MalformedBody, match=message):
        decode(body)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"[1e400, -1e400]", [math.inf, -math.inf]),
        (b"123456789012345678901234567890", 123456789012345678901234567890.0),
        (b"-" + b"9" * 5000, -math.inf),
    ],
)
def test_large_integers_are_floats_and_numbers_beyond_float64_are_infinities(body, value):
    assert decode(body) == value


def test_only_a_large_body_has_arrays():
    text = b'{"x": [%b]}' % b", ".join([b"1.5"] * simd.MIN_BYTES)
    assert isinstance(decode_rows(text)["x"], np.ndarray)
    assert decode_rows(b'{"x": [1.5]}') == {"x": [1.5]}
    assert decode_rows(text.replace(b"1.5]", b"null]"))["x"][-1] is None


def test_arrays_in_any_memory_order_are_encoded():
    array = np.arange(6.0).reshape(2, 3)
    assert encode({"y": array.T}) == b'{"y":[[0.0,3.0],[1.0,4.0],[2.0,5.0]]}'
    assert encode(array[:, 1]) == b"[1.0,4.0]"
    with pytest.raises(TypeError):
        encode(object())
