"""Labels of groups as Python values and in columns of every type."""

import datetime as dt
import decimal

import numpy as np
import pyarrow as pa
import pytest

from service.errors import InvalidRequest
from service.formats.labels import MISSING, Labels

EXPECTED = (["b", "7", "a"], [0, 1, 0, MISSING, 2])


def numbered(*batches, max_groups=10):
    labels = Labels(max_groups)
    for batch in batches:
        labels.add(batch)
    return labels.names, labels.numbers.tolist()


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view(), pa.binary()], ids=str)
@pytest.mark.parametrize("missing", [None, ""])
def test_texts_are_numbered_in_order_of_appearance(kind, missing):
    values = ["b", "7", "b", missing, "a"]
    assert numbered(values) == EXPECTED
    assert numbered(pa.array(values, kind)) == EXPECTED
    assert numbered(pa.chunked_array([pa.array(values[:2], kind), pa.array(values[2:], kind)])) == EXPECTED
    assert numbered(values[:2], pa.array(values[2:], kind)) == EXPECTED


def test_a_dictionary_is_numbered_by_its_rows():
    column = pa.DictionaryArray.from_arrays(pa.array([3, 1, 3, None, 0]), pa.array(["a", "7", "unused", "b"]))
    assert numbered(column) == EXPECTED
    whole = pa.DictionaryArray.from_arrays(pa.array([1, 0]), pa.array([5, 6]))
    assert numbered(whole) == (["6", "5"], [0, 1])


@pytest.mark.parametrize(
    "column",
    [
        [7, -1, 7, None],
        [7.0, -1.0, 7.0, None],
        [7, -1.0, "7", float("nan")],
        pa.array([7, -1, 7, None], pa.int8()),
        pa.array([7.0, -1.0, 7.0, np.nan]),
    ],
    ids=["int", "float", "mixed", "int8", "double"],
)
def test_whole_numbers_are_labels(column):
    assert numbered(column) == (["7", "-1"], [0, 1, 0, MISSING])


def test_a_column_without_values_has_no_labels():
    assert numbered(pa.nulls(2)) == ([], [MISSING, MISSING])
    assert numbered() == ([], [])


@pytest.mark.parametrize(
    ("values", "pointer", "detail"),
    [
        (["a", 1.5], "/group/2", "is 1.5; a label is a text or a whole number"),
        (["a", True], "/group/2", "is a boolean; "),
        ([["a"]], "/group/1", "is a list; "),
        (["a", float("inf")], "/group/2", "is inf; "),
        (pa.array([1.5]), "/group", "is 1.5; "),
        (pa.array([True]), "/group", "has the type bool; a label is a text or a whole number, so convert"),
        (pa.array([dt.date(2026, 1, 1)]), "/group", "has the type date32"),
        (pa.array([decimal.Decimal("1.5")]), "/group", "has the type decimal128"),
        (pa.array([b"\xff"]), "/group", "has text that is not UTF-8"),
        (["a", "b", "c"], "/group", "has more than 3 labels (DESCENT_MAX_GROUPS); send fewer groups"),
    ],
)
def test_other_values_and_too_many_labels_are_refused(values, pointer, detail):
    with pytest.raises(InvalidRequest) as raised:
        numbered(["x"], values, max_groups=3)
    [fault] = raised.value.faults
    assert fault.pointer == pointer
    assert fault.detail.startswith(detail)
