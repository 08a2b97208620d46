"""Warnings name the columns concerned and the remedy."""

import numpy as np
import pytest

from service.artifact.columns import Columns, RowShape
from service.core.blocks import Batch
from service.core.optimum import LeastSquares, Optimum
from service.core.statistics import gather
from service.training.fit_warnings import data_warnings, not_converged

A = np.arange(8.0)
C = A * A % 5


def warnings(**columns):
    x = np.column_stack(list(columns.values()))
    statistics = gather([Batch(x, A + C + np.sin(A * C))], x.shape[1])
    optimum = Optimum.of(LeastSquares.of(statistics, fit_intercept=True), 0.0)
    return {
        warning.type: (warning.detail, warning.columns)
        for warning in data_warnings(statistics, optimum, Columns(tuple(columns), RowShape.OBJECT))
    }


def test_independent_columns_give_no_warning():
    assert warnings(a=A, c=C) == {}


@pytest.mark.parametrize(
    ("columns", "detail"),
    [
        (
            {"a": A, "c": C, "twin": 2 * A},
            "a and twin are linearly dependent, so their coefficients are not unique. Drop one.",
        ),
        (
            {"a": A, "c": C, "sum": A + C},
            "a, c and sum are linearly dependent, so their coefficients are not unique. Drop one.",
        ),
        (
            {"a": A, "b": 2 * A, "c": C, "d": 3 * C},
            "a, b, c and d are linearly dependent, so their coefficients are not unique. Drop 2 of them.",
        ),
    ],
)
def test_linearly_dependent_columns_are_named_with_the_number_to_drop(columns, detail):
    found, names = warnings(**columns)["collinear"]
    assert found == detail
    assert set(names) <= set(columns)


def test_constant_columns_are_not_called_linearly_dependent():
    found = warnings(a=A, flat=np.full(8, 3.0), twin=2 * A)
    assert found["constant"] == ("Constant columns have no unique coefficient: flat. Drop them.", ["flat"])
    assert found["collinear"][1] == ["a", "twin"]
    assert found["collinear"][0].endswith("Drop one.")


def test_too_few_rows_are_counted():
    x = np.column_stack([A[:2], C[:2]])
    statistics = gather([Batch(x, A[:2])], 2)
    optimum = Optimum.of(LeastSquares.of(statistics, fit_intercept=True), 0.0)
    details = [warning.detail for warning in data_warnings(statistics, optimum, Columns.of(None, RowShape.LIST, 2))]
    assert "2 rows for 2 parameters: the model also fits the noise. Add rows or drop columns." in details


@pytest.mark.parametrize(("may_omit", "remedy"), [(True, "Increase epochs, or omit it."), (False, "Increase epochs.")])
def test_a_fit_that_has_not_converged_names_its_loss_and_the_smallest(may_omit, remedy):
    assert not_converged(1, "loss", 2.5, 0.125, may_omit=may_omit).detail == (
        "Gradient descent stopped after 1 epoch, before it converged: its loss is 2.5 and the smallest possible is "
        f"0.125. {remedy}"
    )
