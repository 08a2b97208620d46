"""The columns of x, y and the weight in a table."""

import pytest

from service.errors import InvalidRequest
from service.formats.column_selection import ColumnSelection, select_features, select_labelled
from service.formats.table import TableReader


def table(*names, max_columns=1000):
    return TableReader(names, len(names), lambda _: iter(()), max_columns)


def unnamed(width):
    return TableReader(None, width, lambda _: iter(()))


@pytest.mark.parametrize(
    ("selection", "positions"),
    [
        (ColumnSelection(), [0, 2, 3, 1]),
        (ColumnSelection(y="a"), [1, 2, 3, 0]),
        (ColumnSelection(weight="n"), [0, 2, 1, 3]),
        (ColumnSelection(x=("b", "a"), weight="n"), [2, 0, 1, 3]),
    ],
)
def test_x_is_all_other_columns_unless_it_is_selected(selection, positions):
    x, others = select_labelled(table("a", "y", "b", "n"), selection)
    assert x + others == positions


def test_without_names_y_is_the_last_column():
    assert select_labelled(unnamed(3), ColumnSelection()) == ([0, 1], [2])
    assert select_features(unnamed(2), None) == [0, 1]


@pytest.mark.parametrize(
    ("reader", "selection", "message"),
    [
        (table("a", "b"), ColumnSelection(), "column 'y' is missing; the columns are 'a', 'b'"),
        (table("y"), ColumnSelection(), "only y"),
        (table("a", "y"), ColumnSelection(x=("a", "a")), "chosen twice"),
        (table("a", "y"), ColumnSelection(x=("y",)), "chosen twice"),
        (table("a", "y"), ColumnSelection(weight="y"), "chosen twice"),
        (table("a", "a", "y"), ColumnSelection(), "has 2 columns 'a'"),
        (table("a", "b", "y", max_columns=1), ColumnSelection(), "has 2 columns; send at most 1"),
        (unnamed(1), ColumnSelection(), "has no columns"),
        (unnamed(3), ColumnSelection(y="a"), "no column names"),
    ],
)
def test_an_impossible_selection_is_refused(reader, selection, message):
    with pytest.raises(InvalidRequest, match=message):
        select_labelled(reader, selection)


@pytest.mark.parametrize(
    ("reader", "x", "message"),
    [
        (table("a"), ("b",), "column 'b' is missing"),
        (table("a"), (), "has no columns"),
        (unnamed(2), ("a",), "is 'a', but this media type has no column names"),
        (table("a", "b", max_columns=1), None, "send at most 1"),
    ],
)
def test_an_impossible_selection_of_features_is_refused(reader, x, message):
    with pytest.raises(InvalidRequest, match=message):
        select_features(reader, x)
