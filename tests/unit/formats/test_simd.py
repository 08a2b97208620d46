"""Large JSON bodies decode to the values of the codec, or to None."""

import json
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import MalformedBody
from service.formats.arrays import NUMBERS_OR_NULL, list_vector, table
from service.formats.json import simd
from service.formats.json.codec import decode

PADDING = " " * simd.MIN_BYTES
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=12,
)


def padded(text):
    return (text[:-1] + PADDING + text[-1:]).encode()


def plain(value):
    if isinstance(value, np.ndarray):
        return value.tolist()
    return {name: plain(each) for name, each in value.items()} if isinstance(value, dict) else value


def as_floats(value):
    if isinstance(value, list):
        return [as_floats(each) for each in value]
    if isinstance(value, dict):
        return {name: as_floats(each) for name, each in value.items()}
    return float(value) if type(value) is int else value


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["x", "y", "l2", "initial"]), JSON))
def test_any_value_is_that_of_the_codec_or_none(value):
    body = padded(json.dumps(value, ensure_ascii=False))
    found = simd.decode(body)
    if found is not None:
        assert as_floats(plain(found)) == as_floats(decode(body))


@settings(deadline=None)
@given(st.integers(1, 5), st.integers(1, 4), st.data())
def test_rows_and_columns_have_the_bits_of_the_codec(n, d, data):
    rows = data.draw(st.lists(st.lists(st.floats(-1e150, 1e150), min_size=d, max_size=d), min_size=n, max_size=n))
    columns = {f"c{i}": list(each) for i, each in enumerate(zip(*rows, strict=True))}
    for x in (rows, columns):
        body = padded(json.dumps({"x": x, "y": rows[0], "epochs": 7, "method": "spectral"}))
        found = simd.decode(body)
        expected = decode(body)
        assert found is not None
        fast, slow = table(found["x"], "/x"), table(expected["x"], "/x")
        assert fast.values.tobytes() == slow.values.tobytes()
        assert (fast.names, fast.row_shape, fast.is_columnar) == (slow.names, slow.row_shape, slow.is_columnar)
        assert list_vector(found["y"], "/y").tobytes() == list_vector(expected["y"], "/y", NUMBERS_OR_NULL).tobytes()
        assert (found["epochs"], found["method"]) == (7, "spectral")


@pytest.mark.parametrize(
    "text",
    [
        '{"x": [1, null]}',
        '{"x": [1, true]}',
        '{"x": [1, "2"]}',
        '{"x": [1, [2]]}',
        '{"x": [[1], [2, 3], []]}',
        '{"x": [[1, 2], [3], [4, 5, 6]]}',
        '{"x": [[[1, 2], []], [[3], [4]]]}',
        '{"x": [[[1], [2]]]}',
        '{"x": []}',
        '{"x": [[]]}',
        '{"x": [[1], 2]}',
        '{"x": [1e400]}',
        '{"x": [100000000000000000000000]}',
        '{"x": [1], "x": [2]}',
        '{"x": {"a": [1], "a": [2]}}',
        '{"x": {"a": {"b": [1]}}}',
        '{"x": [1], "\\u0078": [2]}',
        '{"x": [1], "l2": [2]}',
        '{"x": [1], "[": 2}',
        '{"x": [NaN]}',
        '{"x": [1]} 2',
        "[1]",
        '{"x": [01]}',
    ],
)
def test_a_body_that_simdjson_might_read_otherwise_is_left_to_the_codec(text):
    assert simd.decode(padded(text)) is None


def test_small_bodies_are_left_to_the_codec():
    assert simd.decode(b'{"x": [1, 2]}') is None


def test_magnitudes_are_refused_at_their_place():
    body = padded('{"x": [[1, 2], [3, 1e200]], "y": [1, -1e160]}')
    found = simd.decode(body)
    with pytest.raises(Exception, match=r"^/x/1/1: is 1e\+200, beyond"):
        table(found["x"], "/x")
    with pytest.raises(Exception, match=r"^/y/1: is -1e\+160, beyond"):
        list_vector(found["y"], "/y")


def decode_in_pieces(body, size):
    with mock.patch.multiple(simd, MIN_BYTES=1, MIN_LIST_BYTES=1, PIECE_BYTES=size):
        return simd.decode(body)


def decode_or_none(body):
    try:
        return decode(body)
    except MalformedBody:
        return None


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(1, 4), st.integers(6, 60), st.data())
def test_lists_parsed_in_pieces_have_the_bits_of_the_codec(n, d, size, data):
    number = st.floats(-1e150, 1e150) | st.integers(-9, 9)
    rows = data.draw(st.lists(st.lists(number, min_size=d, max_size=d), min_size=n, max_size=n))
    for x in (rows, rows[0], {"a": rows[0], "b": rows[0]}):
        body = json.dumps({"x": x, "y": rows[0], "epochs": 7}, separators=(",", ":")).encode()
        found = decode_in_pieces(body, size)
        if found is not None:  # a number, or a row, may be longer than a piece
            assert table(found["x"], "/x").values.tobytes() == table(decode(body)["x"], "/x").values.tobytes()
    assert decode_in_pieces(b'{"x":[[1,2],[3,4],[5,6]],"y":[1,2,3]}', 6)["x"].tolist() == [[1, 2], [3, 4], [5, 6]]


@settings(deadline=None, max_examples=300)
@given(st.integers(1, 4), st.integers(1, 3), st.integers(2, 30), st.data())
def test_a_typo_in_a_long_list_gives_the_value_of_the_codec_or_none(n, d, size, data):
    text = json.dumps({"x": [[1, 2.5, -3][:d]] * n if d > 1 else [1, 2.5, -3] * n, "y": [7] * n}, separators=(",", ":"))
    at = data.draw(st.integers(0, len(text) - 1))
    typo = data.draw(st.sampled_from([",", "[", "]", "],[", "1", "-", " ", '"', "{", "}", "\\", "\x01", ""]))
    body = (text[:at] + typo + text[at + data.draw(st.integers(0, 1)) :]).encode()
    found = decode_in_pieces(body, size)
    if found is not None:
        assert as_floats(plain(found)) == as_floats(decode_or_none(body))


def test_a_text_of_the_body_is_not_mistaken_for_a_placeholder():
    for name in ("\x010", "\\u00010", "10"):
        body = b'{"x": [1, 2], "y": "%b"}' % name.encode()
        found = decode_in_pieces(body, 100)
        assert found is None or found["y"] == "10"


def test_a_refused_body_does_not_affect_the_next():
    for body in (b'{"x":[1,2}', b'{"x":[[1],[2,3]]}', b'{"x":[1,null]}'):
        assert decode_in_pieces(body, 100) is None
        assert decode_in_pieces(b'{"x":[1,2]}', 100)["x"].tolist() == [1, 2]


def test_a_body_with_many_names_is_left_to_the_codec():
    body = b'{"x":[%b]}' % b",".join([b'{"a":1}'] * simd.MAX_NAMES)
    assert simd.decode(body) is None
