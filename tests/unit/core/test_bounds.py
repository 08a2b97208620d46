"""Comparisons with bounds give the same results for few values and for many."""

import numpy as np
import pytest

from service.core.bounds import ColumnRanges, all_finite, all_within

BOUND = 1e150


@pytest.mark.parametrize("others", [0, 3, 1000])
@pytest.mark.parametrize("shape", ["C", "F", "strided"])
@pytest.mark.parametrize(
    ("number", "within"),
    [
        (0.0, True),
        (BOUND, True),
        (-BOUND, True),
        (np.nextafter(BOUND, np.inf), False),
        (-np.nextafter(BOUND, np.inf), False),
        (1e200, False),
        (np.inf, False),
        (-np.inf, False),
        (np.nan, False),
    ],
)
def test_one_number_decides_the_result(others, shape, number, within):
    values = np.ones((1 + others, 2))
    values[others, 1] = number
    if shape == "F":
        values = np.asfortranarray(values)
    if shape == "strided":
        values = np.repeat(values, 2, axis=1)[:, ::2]
    assert all_within(values, BOUND) is within


def test_many_numbers_at_the_bound_are_within_it():
    assert all_within(np.full((100, 3), BOUND), BOUND)


@pytest.mark.parametrize("n", [1, 5, 1000])
@pytest.mark.parametrize("number", [np.inf, -np.inf, np.nan])
def test_one_number_that_is_not_finite_is_detected(n, number):
    values = np.ones(n)
    assert all_finite(values)
    values[-1] = number
    assert not all_finite(values)


@pytest.mark.parametrize("n", [1, 4, 1000])
@pytest.mark.parametrize(
    ("row", "outside"), [([2, 6], 1), ([-1, 5], 1), ([0, 6], 1), ([0, 4], 1), ([1, 5], 0), ([0, 5], 0)]
)
def test_rows_outside_are_counted_once(n, row, outside):
    x = np.tile([0.0, 5.0], (n, 1))
    ranges = ColumnRanges(np.array([0.0, 5.0]), np.array([1.0, 5.0]))
    assert ranges.count_outside(x) == 0
    x[0] = row
    assert ranges.count_outside(x) == outside


@pytest.mark.parametrize("d", [16, 17, 40])
def test_rows_of_many_columns_are_compared_with_their_ranges(d):
    ranges = ColumnRanges(np.zeros(d), np.ones(d))
    x = np.full((1, d), 0.5)
    assert ranges.count_outside(x) == 0
    x[0, -1] = 2
    assert ranges.count_outside(x) == 1
    assert ranges.count_outside(x[:0]) == 0
