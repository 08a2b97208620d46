"""The factor of a block, by a Gram matrix or by reflections, against QR in extended precision."""

from functools import reduce

import numpy as np
import pytest

from service.core import factorization
from service.core.blocks import Batch
from service.core.factorization import factor_block, factor_by_gram, factor_by_reflections, regression_slopes
from service.core.statistics import gather, merge

ROWS = 20_000


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(factorization, "CHUNK_VALUES", 4096)


def data(d=4, seed=0):
    generator = np.random.default_rng(seed)
    x = generator.normal(3, 2, (ROWS, d))
    return x, x @ generator.normal(size=d) + generator.normal(size=ROWS), generator.uniform(0.1, 3, ROWS)


def oracle(x, y, weight, origin):
    """Return R of √w·[1, [X, y] − origin] by Gram-Schmidt, twice, in extended precision."""
    columns = np.column_stack([np.ones(len(y)), x, y]).astype(np.longdouble)
    columns[:, 1:] -= origin
    if weight is not None:
        columns *= np.sqrt(weight.astype(np.longdouble))[:, None]
    k = columns.shape[1]
    whole = np.eye(k, dtype=np.longdouble)
    for _ in range(2):
        part = np.zeros((k, k), dtype=np.longdouble)
        for j in range(k):
            for i in range(j):
                part[i, j] = columns[:, i] @ columns[:, j]
                columns[:, j] -= part[i, j] * columns[:, i]
            part[j, j] = np.sqrt(columns[:, j] @ columns[:, j])
            columns[:, j] /= part[j, j]
        whole = part @ whole
    return whole


def largest_error(factor, x, y, weight=None):
    """Return the largest error of a factor relative to the norm of its column."""
    expected = oracle(x, y, weight, factor.origin)
    return np.abs((factor.triangle - expected) / np.sqrt(np.square(expected).sum(axis=0))).max()


def slopes_and_errors(triangle):
    """Return w (d,) and its standard errors (d,) for noise of variance 1."""
    part, target = triangle[1:-1, 1:-1].astype(np.longdouble), triangle[1:-1, -1].astype(np.longdouble)
    w = np.zeros_like(target)
    for j in reversed(range(len(w))):
        w[j] = (target[j] - part[j, j + 1 :] @ w[j + 1 :]) / part[j, j]
    return w, np.sqrt(np.square(np.linalg.inv(part.astype(np.float64))).sum(axis=1))


def error_in_standard_errors(triangle, x, y, weight=None):
    """Return the largest error of a slope in standard errors for noise of variance 1."""
    expected, errors = slopes_and_errors(oracle(x, y, weight, [*x.mean(axis=0), y.mean()]))
    return np.abs((slopes_and_errors(triangle)[0] - expected) / errors).max()


def jumping(seed, rows, to, *, weighted):
    """Return rows of which some are far from the others in all columns."""
    x, _, weight = data(3, seed)
    x[rows] += to
    y = x @ [1.0, 2.0, -3.0] + np.random.default_rng(seed + 1).normal(size=ROWS)
    return x, y, weight if weighted else None


def reflected(x, y, weight):
    return factor_by_reflections(x, y, weight).triangle


def merged_of_quarters(x, y, weight):
    quarters = (slice(start, start + ROWS // 4) for start in range(0, ROWS, ROWS // 4))
    return reduce(
        merge, (gather([Batch(x[q], y[q], None if weight is None else weight[q])], 3) for q in quarters)
    ).triangle


FIRST, SECOND = np.arange(ROWS) < ROWS // 2, np.arange(ROWS) >= ROWS // 2
MIDDLE = (np.arange(ROWS) // (ROWS // 4)) == 1
THERE_AND_BACK = np.where(SECOND, np.tile([1, -1], ROWS // 2), 0)[:, None]


@pytest.mark.parametrize(
    ("rows", "to"),
    [(SECOND, 1e8), (FIRST, 1e8), (MIDDLE, 1e8), (slice(None), 1e8 * THERE_AND_BACK)],
    ids=["second half", "first half", "second quarter", "there and back"],
)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("factor_rows", [reflected, merged_of_quarters])
def test_slopes_keep_their_digits_where_columns_jump(monkeypatch, rows, to, weighted, factor_rows):
    monkeypatch.setattr(factorization, "CHUNK_VALUES", 20_000)
    problems = [jumping(seed, rows, to, weighted=weighted) for seed in range(6)]
    off = [error_in_standard_errors(factor_rows(*problem), *problem) for problem in problems]
    assert np.sqrt(np.mean(np.square(off))) < 4e-7


@pytest.mark.parametrize("d", [1, 3, 12])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("mean", [0.0, 1.7e9])
@pytest.mark.parametrize("noise", [1.0, 1e-9])
def test_a_gram_matrix_is_as_exact_as_reflections(d, weighted, mean, noise):
    x, y, weight = data(d)
    weight = weight if weighted else None
    y = np.round(y, 3) + noise * (y - np.round(y, 3))
    x = x + mean
    factor = factor_by_gram(x, y, weight)
    assert largest_error(factor, x, y, weight) < 5e-15
    np.testing.assert_array_equal(factor_block(x, y, weight).triangle, factor.triangle)


@pytest.mark.parametrize("make", [
    lambda x: np.column_stack([x, x[:, 0]]),
    lambda x: np.column_stack([x, x[:, 0] + 1e-7 * x[:, 1]]),
    lambda x: np.column_stack([x, x[:, 0] + x[:, 1] + 0.3 * x[:, 2]]),
    lambda x: np.column_stack([x, np.full(ROWS, 0.1)]),
    lambda x: np.column_stack([x, np.arange(ROWS) > ROWS - 3]),
    lambda x: 1e140 * x,
    lambda x: 1e-140 * x,
], ids=["twin", "near twin", "combination", "constant", "nearly constant", "huge", "tiny"])  # fmt: skip
def test_rows_are_reflected_where_a_gram_matrix_would_lose_digits(make):
    x, y, _ = data()
    x = make(x)
    assert factor_by_gram(x, y, None) is None
    expected = factor_by_reflections(x, y, None).triangle
    np.testing.assert_array_equal(factor_block(x, y, None).triangle, expected)


def test_inflation_outside_of_the_sample_is_detected():
    x, y, _ = data()
    seen = np.zeros(ROWS, bool)
    seen[:: ROWS // factorization.SAMPLE_ROWS] = True
    x[~seen, 1] = 1e6 * x[~seen, 0]
    assert regression_slopes(x[seen] - x[seen].mean(axis=0)) is not None
    assert factor_by_gram(x, y, None) is None
    assert largest_error(factor_block(x, y, None), x, y) < 1e-14


def test_ranges_are_exact_by_both_methods():
    x, y, _ = data()
    for factor in (factor_by_gram(x, y, None), factor_by_reflections(x, y, None)):
        np.testing.assert_array_equal(factor.lowest, [*x.min(axis=0), y.min()])
        np.testing.assert_array_equal(factor.highest, [*x.max(axis=0), y.max()])


@pytest.mark.parametrize("d", [1, 3])
def test_any_memory_order_gives_the_same_bits(d):
    x, y, weight = data(d)
    expected = factor_block(x, y, weight).triangle
    padded = np.repeat(x, 2, axis=1)[:, ::2]
    for same in (np.asfortranarray(x), padded, np.asfortranarray(padded)[:, ::-1][:, ::-1]):
        np.testing.assert_array_equal(factor_block(same, np.repeat(y, 2)[::2], weight).triangle, expected)
