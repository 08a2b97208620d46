"""Tables and vectors from decoded JSON: every shape of x, and the pointer of every error."""

import numpy as np
import pytest

from service.artifact.columns import RowShape
from service.errors import InvalidRequest
from service.formats.arrays import NUMBERS_OR_NULL, list_vector, table

GOOD = [
    ([1, 2.5], [[1], [2.5]], None, RowShape.NUMBER, False),
    ([[1, 2], [3, 4]], [[1, 2], [3, 4]], None, RowShape.LIST, False),
    ([[1], [2]], [[1], [2]], None, RowShape.LIST, False),
    ({"a": [1, 2], "b": [3, 4]}, [[1, 3], [2, 4]], ("a", "b"), RowShape.OBJECT, False),
    ([{"a": 1, "b": 2}, {"b": 4, "a": 3}], [[1, 2], [3, 4]], ("a", "b"), RowShape.OBJECT, False),
    ({"a": 1, "b": 2}, [[1, 2]], ("a", "b"), RowShape.OBJECT, True),
    (3, [[3]], None, RowShape.NUMBER, True),
    ([2**63, 10**40], [[2**63], [1e40]], None, RowShape.NUMBER, False),
]


@pytest.mark.parametrize(("value", "values", "names", "row_shape", "is_single_row"), GOOD)
def test_every_shape_of_x_becomes_a_table(value, values, names, row_shape, is_single_row):
    rows = table(value, "/x")
    np.testing.assert_array_equal(rows.values, np.array(values, dtype=float))
    assert (rows.names, rows.row_shape, rows.is_single_row) == (names, row_shape, is_single_row)


BAD = [
    ([], "/x", "no rows"),
    ([[]], "/x/0", "no columns"),
    ({}, "/x", "no columns"),
    ([{}], "/x", "keys"),
    ([[1, 2], [3]], "/x/1", "has 1 number, but the first row has 2"),
    ([1, None], "/x/1", "null"),
    ([1, "2"], "/x/1", "is not a number"),
    ([1, [2]], "/x/1", "a list, but the first row is a number"),
    ([[1], 2], "/x/1", "a number, but the first row is a list"),
    ([[1], {"a": 2}], "/x/1", "an object, but the first row is a list"),
    ([[1, 2], [3, "4"]], "/x/1/1", "is not a number"),
    ([[1, [2]]], "/x/0/1", "a list"),
    ([{"a": 1}, {"b": 1}], "/x", "keys"),
    ([{"a/b": 1}, {"a/b": None}], "/x/1/a~1b", "null"),
    ({"a": [1], "b": [1, 2]}, "/x/b", "has 2 numbers, but 'a' has 1"),
    ({"a": [1, 2], "b": [1]}, "/x/b", "has 1 number, but 'a' has 2"),
    ({"a": [1], "b": 2}, "/x/b", "a number"),
    ({"a": 1, "b": "2"}, "/x/b", "is not a number"),
    ({"a~": []}, "/x/a~0", "empty"),
    ("text", "/x", "is not a number"),
    (None, "/x", "null"),
    ([1, float("inf")], "/x/1", "is not a finite float64"),
    ([1, float("nan")], "/x/1", "is not a finite float64"),
    ([1, 10**400], "/x/1", "is not a finite float64"),
    ([1, 1e200], "/x/1", "1e150"),
    ([[1, 2], [-1e151, 2]], "/x/1/0", "1e150"),
]


@pytest.mark.parametrize(("value", "pointer", "detail"), BAD)
def test_every_error_of_x_has_its_pointer(value, pointer, detail):
    with pytest.raises(InvalidRequest) as caught:
        table(value, "/x")
    [fault] = caught.value.faults
    assert fault.pointer == pointer
    assert detail in fault.detail


def test_an_integer_beyond_float64_is_refused_beside_a_missing_value():
    with pytest.raises(InvalidRequest, match=r"^/x/1: is not a finite float64"):
        table([None, -(10**400)], "/x", NUMBERS_OR_NULL)


@pytest.mark.parametrize(("value", "pointer"), [(3, "/y"), ({}, "/y"), ([], "/y"), ([1, [2]], "/y/1"), (None, "/y")])
def test_a_y_that_is_not_a_list_of_numbers_is_refused(value, pointer):
    with pytest.raises(InvalidRequest) as caught:
        list_vector(value, "/y")
    assert caught.value.faults[0].pointer == pointer
