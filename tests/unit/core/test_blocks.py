"""Blocks of equal size from batches of any size."""

import numpy as np
import pytest

from service.core import blocks
from service.core.blocks import BLOCK_ROWS, BLOCK_VALUES, Batch, block_rows, blocks_of

D = 2


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 64)


def rows(n):
    x = np.arange(D * n, dtype=float).reshape(n, D)
    return Batch(x, -x[:, 0], x[:, 1] + 1)


def batches(whole, sizes, *, weighted):
    start = 0
    for size in sizes:
        part = slice(start, start + size)
        yield Batch(whole.x[part], whole.y[part], whole.weight[part] if weighted else None)
        start += size


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("sizes", [[200], [1] * 200, [63, 65, 64, 8], [0, 100, 0, 100], [64, 64, 64, 8]])
def test_blocks_hold_the_rows_in_order_and_all_but_the_last_are_full(sizes, weighted):
    whole = rows(200)
    start = 0
    for block in blocks_of(batches(whole, sizes, weighted=weighted), D, held=1):
        m = len(block.y)
        assert m == (64 if start < 192 else 8)
        np.testing.assert_array_equal(block.x, whole.x[start : start + m])
        np.testing.assert_array_equal(block.y, whole.y[start : start + m])
        if weighted:
            np.testing.assert_array_equal(block.weight, whole.weight[start : start + m])
        else:
            assert block.weight is None
        start += m
    assert start == 200


def test_rows_before_the_first_weight_have_weight_one():
    first, second = rows(3)._replace(weight=None), rows(3)
    [block] = blocks_of([first, second], D, held=1)
    np.testing.assert_array_equal(block.weight, [1, 1, 1, *second.weight])


def test_no_rows_make_no_block():
    assert not list(blocks_of([rows(0)], D, held=1))


@pytest.mark.parametrize("held", [1, 2, 3])
def test_a_block_is_valid_until_as_many_more_are_requested(held):
    whole = rows(640)
    kept = []
    for number, block in enumerate(blocks_of(batches(whole, [32] * 20, weighted=True), D, held=held)):
        kept = [*kept, (number, block)][-held:]
        for earlier, still_valid in kept:
            np.testing.assert_array_equal(still_valid.y, whole.y[64 * earlier : 64 * earlier + 64])


def test_wide_blocks_have_fewer_rows_but_at_least_four_for_each_row_of_the_triangle(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_ROWS", BLOCK_ROWS)
    assert block_rows(1) == BLOCK_ROWS
    assert block_rows(100) == BLOCK_VALUES // 102
    assert block_rows(2000) == 4 * 2002
