"""Rows with missing values in blocks of columns."""

import numpy as np
import pytest

from service.errors import InvalidRequest
from service.formats.missing_values import ColumnBlock, MissingValuePolicy

NAN = np.nan


def blocks():
    """Return x and y of the rows 10 to 13, of which x misses a value in row 11 and y one in row 13."""
    x = np.array([[1, 2], [3, NAN], [5, 6], [7, 8]])
    y = np.array([1, 2, 3, NAN])
    rows = range(10, 14)
    return [
        ColumnBlock(x, rows, lambda row, column: f"/x/{row}/{column}"),
        ColumnBlock(y, rows, lambda row, _: f"/y/{row}"),
    ]


def test_rows_that_miss_a_value_in_any_block_are_dropped_and_counted():
    policy = MissingValuePolicy("drop")
    x, y = policy.apply(blocks())
    np.testing.assert_array_equal(x.values, [[1, 2], [5, 6]])
    np.testing.assert_array_equal(y.values, [1, 3])
    assert (policy.kept, policy.report()) == (2, {"dropped": 2})
    assert [x.row_pointer(0), x.row_pointer(1)] == ["/x/10", "/x/12"]
    assert (x.pointer(3), y.pointer(1)) == ("/x/12/1", "/y/12")


def test_rows_keep_their_positions_when_rows_are_dropped_again():
    x, _ = MissingValuePolicy("drop").apply(blocks())
    assert x.drop(np.array([True, False])).row_pointer(0) == "/x/12"


def test_missing_values_are_refused_in_row_order():
    policy = MissingValuePolicy("error")
    with pytest.raises(InvalidRequest) as caught:
        policy.apply(blocks())
    assert [fault.pointer for fault in caught.value.faults] == ["/x/11/1", "/y/13"]
    assert policy.report() == {}


def test_blocks_without_missing_values_are_returned_as_they_are():
    x, y = blocks()
    complete = [x._replace(values=np.nan_to_num(x.values)), y._replace(values=np.nan_to_num(y.values))]
    policy = MissingValuePolicy("error")
    assert policy.apply(complete) is complete
    assert policy.kept == 4


@pytest.mark.parametrize("missing", ["error", "drop"])
@pytest.mark.parametrize("number", [np.inf, 1e200])
def test_numbers_out_of_range_are_refused_before_rows_are_dropped(missing, number):
    x, y = blocks()
    x.values[3, 1] = number
    with pytest.raises(InvalidRequest) as caught:
        MissingValuePolicy(missing).apply([x, y])
    assert caught.value.faults[0].pointer == "/x/13/1"


def test_dropping_every_row_is_refused():
    policy = MissingValuePolicy("drop")
    x, y = blocks()
    policy.apply([x, y._replace(values=np.full(4, NAN))])
    with pytest.raises(InvalidRequest, match="has 4 rows, and each misses a value"):
        policy.check_any_kept()
