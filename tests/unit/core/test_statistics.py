"""Statistics of blocks against numpy's QR of the whole matrix."""

import itertools
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core import blocks
from service.core.blocks import Batch
from service.core.optimum import LeastSquares, Optimum
from service.core.statistics import decay, gather, merge
from service.server.worker.cpu_priority import NiceExecutor
from tests.unit.core.exact_fits import centred_columns, digits, solve_normal_equations


def data(n, d, seed=0, weighted=False):
    generator = np.random.default_rng(seed)
    x = generator.normal(3, 2, (n, d))
    y = x @ generator.normal(size=d) + generator.normal(size=n)
    return Batch(x, y, generator.uniform(0.1, 3, n) if weighted else None)


def oracle(batch):
    """R of √w·[1, X, y], by numpy, with a non-negative diagonal."""
    weight = np.ones(len(batch.y)) if batch.weight is None else batch.weight
    matrix = np.sqrt(weight)[:, None] * np.column_stack([np.ones(len(batch.y)), batch.x, batch.y])
    triangle = np.linalg.qr(matrix, mode="r")
    return triangle * np.where(np.diag(triangle) < 0, -1, 1)[:, None]


def cut(batch, edges):
    edges = [0, *sorted(edges), len(batch.y)]
    for start, stop in itertools.pairwise(edges):
        weight = None if batch.weight is None else batch.weight[start:stop]
        yield Batch(batch.x[start:stop], batch.y[start:stop], weight)


@pytest.mark.parametrize("d", [1, 2, 8])
@pytest.mark.parametrize("n", [10, 1000, 40_000])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_triangle_is_that_of_a_qr_factorisation_of_all_rows(n, d, weighted):
    rows = data(n, d, weighted=weighted)
    expected = oracle(rows)
    statistics = gather([rows], d)
    np.testing.assert_allclose(statistics.raw_triangle, expected, atol=1e-13 * np.abs(expected).max())
    assert statistics.n == n
    np.testing.assert_array_equal(statistics.lowest, [*rows.x.min(0), rows.y.min()])
    np.testing.assert_array_equal(statistics.highest, [*rows.x.max(0), rows.y.max()])


@given(st.lists(st.integers(0, 500), max_size=20), st.booleans())
def test_the_same_rows_give_the_same_bits_for_any_division_into_batches(edges, weighted):
    rows = data(500, 3, weighted=weighted)
    whole, pieces = gather([rows], 3), gather(cut(rows, edges), 3)
    np.testing.assert_array_equal(whole.triangle, pieces.triangle)
    np.testing.assert_array_equal(whole.lowest, pieces.lowest)


def test_cuts_across_the_blocks_give_the_same_bits(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 64)
    rows = data(1000, 2)
    np.testing.assert_array_equal(gather([rows], 2).triangle, gather(cut(rows, [1, 63, 64, 65, 500, 999]), 2).triangle)


@given(st.lists(st.integers(1, 299), max_size=10, unique=True), st.booleans())
def test_merging_parts_gives_the_whole(edges, weighted):
    rows = data(300, 4, weighted=weighted)
    parts = [gather([part], 4) for part in cut(rows, edges)]
    merged = parts[0]
    for part in parts[1:]:
        merged = merge(merged, part)
    whole = gather([rows], 4)
    expected = whole.raw_triangle
    np.testing.assert_allclose(merged.raw_triangle, expected, atol=1e-13 * np.abs(expected).max())
    assert merged.n == whole.n
    np.testing.assert_array_equal(merged.highest, whole.highest)


def test_a_weight_of_two_counts_as_the_row_twice_and_of_zero_as_none():
    rows = data(50, 2)
    weight = np.tile([0.0, 1.0, 2.0, 1.0, 0.0], 10)
    doubled = Batch(np.repeat(rows.x, weight.astype(int), axis=0), np.repeat(rows.y, weight.astype(int)))
    weighted = gather([rows._replace(weight=weight)], 2)
    np.testing.assert_allclose(weighted.raw_triangle, gather([doubled], 2).raw_triangle, atol=1e-12)
    assert weighted.n == 30


def test_the_corner_is_the_root_of_the_total_weight():
    rows = data(50, 2, weighted=True)
    assert gather([rows], 2).triangle[0, 0] == pytest.approx(np.sqrt(rows.weight.sum()), rel=1e-14)


def test_decay_multiplies_every_weight():
    rows = data(50, 2)
    decayed = decay(gather([rows], 2), 0.25)
    again = gather([rows._replace(weight=np.full(50, 0.25))], 2)
    np.testing.assert_allclose(decayed.raw_triangle, again.raw_triangle, atol=1e-13)
    assert decayed.n == 12.5


def test_deviations_from_a_large_mean_keep_their_digits():
    x = 1.7e9 + np.arange(86_400.0)
    triangle = gather([Batch(x[:, None], x - 1.7e9)], 1).triangle
    spread = np.sqrt(np.square(np.arange(86_400.0) - 43_199.5).sum())
    assert triangle[1, 1] == pytest.approx(spread, rel=1e-13)


def test_merging_keeps_the_digits_of_deviations():
    x = 1.7e9 + np.arange(1000.0)
    parts = [gather([Batch(x[rows, None], x[rows])], 1) for rows in (slice(0, 500), slice(500, 1000))]
    spread = np.sqrt(np.square(np.arange(1000.0) - 499.5).sum())
    assert merge(*parts).triangle[1, 1] == pytest.approx(spread, rel=1e-12)


def test_any_memory_order_of_x_gives_the_same_bits():
    rows = data(1000, 5)
    fortran = rows._replace(x=np.asfortranarray(rows.x))
    strided = rows._replace(x=np.repeat(rows.x, 2, axis=1)[:, ::2])
    expected = gather([rows], 5).triangle
    np.testing.assert_array_equal(gather([fortran], 5).triangle, expected)
    np.testing.assert_array_equal(gather([strided], 5).triangle, expected)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("d", [1, 7])
def test_any_number_of_threads_gives_the_same_bits(monkeypatch, d, weighted):
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 5000)
    rows = data(33_333, d, weighted=weighted)
    expected = gather([rows], d).triangle
    for threads in (2, 3):
        for edges in ([], [1, 4999, 5000, 5001, 20_000, 20_001], range(100, 33_333, 1777)):
            statistics = gather(cut(rows, edges), d, threads)
            np.testing.assert_array_equal(statistics.triangle, expected)


@pytest.mark.parametrize(
    ("d", "threads", "make_executor", "max_blocks"),
    [
        (2, 1, None, 3),
        (2, 2, NiceExecutor, 3),
        (5, 1, NiceExecutor, 3),
        (5, 2, None, 5),
        (5, 2, NiceExecutor, 5),
    ],
)
def test_few_blocks_are_in_memory_at_a_time(monkeypatch, d, threads, make_executor, max_blocks):
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 100)
    read = []

    def batches():
        for batch in cut(data(5000, d), range(100, 5000, 100)):
            x = batch.x.copy()
            read.append(weakref.ref(x))
            assert sum(each() is not None for each in read) <= max_blocks
            yield Batch(x, batch.y)
            del x

    assert gather(batches(), d, threads, make_executor).n == 5000
    assert len(read) == 50


def test_statistics_of_no_rows_are_zero():
    nothing = gather([], 2)
    assert nothing.n == 0
    assert not nothing.triangle.any()


def test_the_data_is_not_changed():
    rows = data(100, 2, weighted=True)
    copies = [array.copy() for array in rows]
    gather([rows], 2)
    for array, copy in zip(rows, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("heavy_first", [True, False])
@pytest.mark.parametrize("weight", [1e6, 1e10, 1e14])
@pytest.mark.parametrize("d", [2, 3])
def test_merging_rows_of_large_and_small_weight_keeps_the_digits(d, weight, heavy_first, fit_intercept):
    generator = np.random.default_rng(d)
    parts = []
    for count, each in ((2, weight), (40, 1.0)):
        x = generator.normal(size=(count, d))
        y = x @ np.arange(1.0, d + 1) + 3 + generator.normal(size=count)
        parts.append(Batch(x, y, np.full(count, each)))
    parts = parts if heavy_first else parts[::-1]
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    expected, _ = solve_normal_equations(*centred_columns(*columns, fit_intercept=fit_intercept))
    merged = merge(*(gather([part], d) for part in parts))
    optimum = Optimum.of(LeastSquares.of(merged, fit_intercept=fit_intercept), 0)
    assert digits(optimum.w, [float(value) for value in expected]) >= 12.6
