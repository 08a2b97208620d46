"""Operations on triangles against numpy's QR of the rows themselves."""

import numpy as np
import pytest

from service.core.triangle import factor_in_place, is_well_conditioned, merge_triangles, qr_triangle, shift_origin


def rows(m, k, seed=0):
    """Return √w·[1, Z] of random rows (m, k)."""
    generator = np.random.default_rng(seed)
    return np.sqrt(generator.uniform(0.5, 2, m))[:, None] * np.column_stack(
        [np.ones(m), generator.normal(3, 2, (m, k - 1))]
    )


def oracle(matrix):
    triangle = np.linalg.qr(matrix, mode="r")
    return triangle * np.where(np.diag(triangle) < 0, -1, 1)[:, None]


@pytest.mark.parametrize(("m", "k"), [(50, 4), (4, 4), (1, 1)])
def test_the_triangle_is_that_of_numpy_with_a_non_negative_diagonal(m, k):
    matrix = rows(m, k)
    np.testing.assert_allclose(qr_triangle(matrix), oracle(matrix), atol=1e-12)
    np.testing.assert_array_equal(factor_in_place(np.asfortranarray(matrix)), qr_triangle(matrix))


def test_fewer_rows_than_columns_are_filled_with_zeros():
    matrix = rows(2, 4)
    triangle = qr_triangle(matrix)
    assert triangle.shape == (4, 4)
    np.testing.assert_allclose(triangle.T @ triangle, matrix.T @ matrix, atol=1e-12)


def test_a_shift_of_the_origin_is_one_of_the_rows():
    matrix, by = rows(50, 4), np.array([1.0, -2.0, 1e3])
    shifted = matrix.copy()
    shifted[:, 1:] += matrix[:, :1] * by
    np.testing.assert_allclose(shift_origin(oracle(matrix), by), oracle(shifted), atol=1e-9)


@pytest.mark.parametrize("m", [3, 50])
def test_merged_triangles_are_that_of_all_rows(m):
    a, b = rows(50, 4), rows(m, 4, seed=1)
    merged = merge_triangles(qr_triangle(a), qr_triangle(b))
    np.testing.assert_allclose(merged, oracle(np.vstack([a, b])), atol=1e-12)


def test_merging_with_no_rows_changes_nothing_but_rounding():
    triangle = qr_triangle(rows(50, 4))
    np.testing.assert_allclose(merge_triangles(triangle, np.zeros((4, 4))), triangle, rtol=1e-14, atol=1e-14)
    assert not merge_triangles(np.zeros((4, 4)), np.zeros((4, 4))).any()


def test_the_condition_is_the_largest_variance_inflation():
    correlation = 0.8
    triangle = np.linalg.cholesky(np.array([[1, correlation], [correlation, 1]])).T * [1e-9, 1e9]
    inflation = 1 / (1 - correlation**2)
    assert is_well_conditioned(triangle, 1.01 * inflation)
    assert not is_well_conditioned(triangle, 0.99 * inflation)
    assert not is_well_conditioned(np.zeros((2, 2)))
