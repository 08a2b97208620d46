"""The columns of x, y and the weight in a table."""

import pytest

from service.artifact.columns import Columns, RowShape
from service.errors import InvalidRequest
from service.formats.column_selection import ColumnSelection, select_features, select_labelled
from service.formats.table import TableReader


def table(*names, max_columns=1000, index=frozenset()):
    return TableReader(names, len(names), lambda _: iter(()), max_columns, index=index)


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
    x, others, ignored = select_labelled(table("a", "y", "b", "n"), selection)
    assert x + others == positions
    assert ignored == ()


def test_without_names_y_is_the_last_column():
    assert select_labelled(unnamed(3), ColumnSelection()) == ([0, 1], [2], ())
    assert select_features(unnamed(2), None) == ([0, 1], [], ())


INDEXED = table("row", "a", "y", index=frozenset({0}))
MODEL = Columns(("b", "row"), RowShape.OBJECT)
UNNAMED_MODEL = Columns(("x",), RowShape.NUMBER)


def test_the_index_is_ignored_unless_it_is_chosen():
    assert select_labelled(INDEXED, ColumnSelection()) == ([1], [2], ("row",))
    assert select_labelled(INDEXED, ColumnSelection(x=("row",))) == ([0], [2], ())
    assert select_labelled(INDEXED, ColumnSelection(y="row")) == ([1, 2], [0], ())
    assert select_labelled(INDEXED, ColumnSelection(weight="row")) == ([1], [2, 0], ())
    assert select_features(INDEXED, None, UNNAMED_MODEL) == ([1, 2], [], ("row",))


def test_a_model_with_names_chooses_its_columns():
    assert select_features(INDEXED, None, MODEL) == ([0], [], ("a", "y"))
    assert select_labelled(INDEXED, ColumnSelection(), MODEL) == ([0], [2], ("a",))
    assert select_features(table("c"), None, MODEL) == ([], [], ("c",))
    assert select_features(INDEXED, ("a",), MODEL) == ([1], [], ())


def test_columns_that_are_not_chosen_may_have_any_name():
    reader = table("", "a", "twice", "twice", "y")
    assert select_labelled(reader, ColumnSelection(x=("a",))) == ([1], [4], ())
    assert select_features(reader, None, Columns(("a",), RowShape.OBJECT)).x == [1]


@pytest.mark.parametrize(
    ("reader", "selection", "message"),
    [
        (table("a", "b"), ColumnSelection(), "column 'y' is missing; the columns are 'a', 'b'"),
        (table("y"), ColumnSelection(), "only y"),
        (table("a", "y"), ColumnSelection(x=("a", "a")), "chosen twice"),
        (table("a", "y"), ColumnSelection(x=("y",)), "chosen twice"),
        (table("a", "y"), ColumnSelection(weight="y"), "chosen twice"),
        (table("a", "b", "a", "y"), ColumnSelection(), "/x: columns 1 and 3 are both named 'a'.* with x="),
        (table("y", "a", "y"), ColumnSelection(), "/y: columns 1 and 3 are both named 'y'.* with y="),
        (table("a", "a", "y"), ColumnSelection(x=("a",)), "/x: columns 1 and 2 are both named 'a'"),
        (table("y", "", "a"), ColumnSelection(), "/x: column 2 has no name.* with x="),
        (table("", "y"), ColumnSelection(x=("",)), "/x: column 1 has no name"),
        (table("", "a"), ColumnSelection(y=""), "/y: column 1 has no name"),
        (table("row", "y", index=frozenset({0})), ColumnSelection(), "the others are the row index"),
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
