"""The position of the first cell that is not a number, and the cost to find it."""

import io
from unittest import mock

import pytest

from service.formats.bad_cells import ENCODE
from service.formats.table import Limits, UnreadableCell
from service.formats.text import csv, csv_cells

LIMITS = Limits(max_buffered_bytes=1 << 20, max_decompression_ratio=100)


def error_of(text):
    source = csv.read(io.BytesIO(text), LIMITS)
    with pytest.raises(UnreadableCell) as caught:
        list(source.batches(range(source.width)))
    return caught.value.row, caught.value.column, caught.value.detail


@pytest.mark.parametrize("row", [0, 1, 4_321, 9_999])
def test_a_cell_is_found_by_bisection(row):
    rows = [b"1,2\n"] * 10_000
    rows[row] = b"1,two\n"
    with mock.patch.object(csv_cells, "are_numbers", wraps=csv_cells.are_numbers) as calls:
        assert error_of(b"x,y\n" + b"".join(rows)) == (
            row,
            1,
            f'column "y", line {row + 2}: "two" is not a number; {ENCODE}',
        )
    assert calls.call_count <= 2 + 14
    assert sum(len(call.args[0]) for call in calls.call_args_list) <= 3 * 10_000


@pytest.mark.parametrize(
    ("rows", "row", "column"),
    [
        (b" 1,2\n3,four\n", 1, 1),
        (b"1\t,2\n3,four\n", 1, 1),
        (b",NaN\nnull,2\n,four\nfive,\n", 2, 1),
        (b"1,2\n3,four\nfive,6\n", 1, 1),
        (b"1,2\n3,4\n\xff,6\n7,eight\n", 2, 0),
        (b"one,2\n", 0, 0),
    ],
)
def test_the_first_cell_that_is_not_a_number_is_reported(rows, row, column):
    assert error_of(b"x,y\n" + rows)[:2] == (row, column)
