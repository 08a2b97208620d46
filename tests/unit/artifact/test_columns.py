"""Columns match by name, else by position."""

import numpy as np
import pytest

from service.artifact.columns import Columns, RowShape
from service.errors import InvalidRequest

VALUES = np.array([[1.0, 2.0]])
NAMED = Columns(("a", "b"), RowShape.OBJECT)
UNNAMED = Columns.of(None, RowShape.LIST, 2)


@pytest.mark.parametrize(
    ("columns", "names", "expected"),
    [
        (NAMED, ("a", "b"), [[1, 2]]),
        (NAMED, ("b", "a"), [[2, 1]]),
        (NAMED, None, [[1, 2]]),
        (UNNAMED, None, [[1, 2]]),
        (UNNAMED, ("b", "a"), [[1, 2]]),
        (UNNAMED, ("x1", "x0"), [[2, 1]]),
    ],
)
def test_columns_match_by_name_else_by_position(columns, names, expected):
    np.testing.assert_array_equal(columns.arrange(VALUES, names, "/x"), expected)


def test_missing_and_unknown_columns_are_named():
    with pytest.raises(InvalidRequest) as caught:
        NAMED.arrange(VALUES, ("a", "c"), "/x")
    assert [fault.detail for fault in caught.value.faults] == [
        "column 'b' is missing",
        "column 'c' is not one of the model's",
    ]


def test_lists_of_wrong_columns_and_long_names_are_cut():
    model = Columns(tuple(f"column {i}" for i in range(1000)), RowShape.OBJECT)
    names = tuple(f"{i}" * 50_000 for i in range(1000))
    with pytest.raises(InvalidRequest) as caught:
        model.arrange(np.ones((1, 1000)), names, "/x")
    assert [fault.detail for fault in caught.value.faults] == [f"column 'column {i}' is missing" for i in range(10)]
    assert caught.value.detail.startswith("/x: column 'column 0' is missing; column 'column 1' is missing; ")
    assert caught.value.detail.endswith("'column 18', 'column 19' ….")
    with pytest.raises(InvalidRequest) as caught:
        NAMED.arrange(np.ones((1, 3)), ("a", "b", "/" * 50_000), "/x")
    assert [fault.detail for fault in caught.value.faults] == [f"column '{'/' * 100}…' is not one of the model's"]


@pytest.mark.parametrize(("columns", "hint"), [(UNNAMED, "[[1, 2]]"), (NAMED, "[[1, 2]]")])
def test_a_wrong_number_of_columns_suggests_rows(columns, hint):
    with pytest.raises(InvalidRequest, match="2 columns") as caught:
        columns.arrange(np.array([[1.0], [2.0]]), None, "/x")
    assert hint in caught.value.detail


@pytest.mark.parametrize(
    ("row_shape", "expected"), [(RowShape.NUMBER, 1.5), (RowShape.LIST, [1.5]), (RowShape.OBJECT, {"a": 1.5})]
)
def test_coefficients_have_the_shape_of_a_row(row_shape, expected):
    assert Columns(("a",), row_shape).in_row_shape([1.5]) == expected
