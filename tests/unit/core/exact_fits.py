"""Least-squares fits on rationals, which round nothing, and the data sets of NIST with certified fits."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np

from service.core.blocks import Batch
from service.core.inference import infer
from service.core.optimum import LeastSquares, Optimum
from service.core.statistics import gather

NIST = Path(__file__).parents[2] / "data" / "nist"
NIST_NAMES = ["Norris", "NoInt1", "NoInt2", "Longley"]


def nist(name):
    """Return x (n, d), y (n,) and the description of a data set of NIST."""
    case = json.loads((NIST / f"{name}.json").read_text())
    y = np.array(case["y"], dtype=float)
    return np.array(case["x"], dtype=float).reshape(len(y), -1), y, case


def solve(x, y, weight=None, *, fit_intercept=True, l2=0.0):
    """Return the optimum and the inference of the service."""
    statistics = gather([Batch(x, y, weight)], x.shape[1])
    optimum = Optimum.of(LeastSquares.of(statistics, fit_intercept=fit_intercept), l2)
    return optimum, infer(statistics, optimum)


def digits(values, certified):
    """Return the number of correct digits of the least exact value."""
    error = np.abs(np.asarray(values) - certified) / np.abs(certified)
    return -np.log10(np.maximum(error, 1e-17)).max()


def rationals(values):
    return [Fraction(value) for value in values.tolist()]


def weighted_product(a, b, weight):
    return sum(w * one * other for one, other, w in zip(a, b, weight, strict=True))


def centred_columns(x, y, weight, *, fit_intercept):
    """Return the columns of x, y and the weights as rationals, minus their means with an intercept."""
    weight = rationals(np.ones(len(y)) if weight is None else weight)
    columns = [rationals(column) for column in (*x.T, y)]
    if fit_intercept:
        means = [weighted_product(column, [1] * len(y), weight) / sum(weight) for column in columns]
        columns = [[value - mean for value in column] for column, mean in zip(columns, means, strict=True)]
    return columns[:-1], columns[-1], weight


def solve_normal_equations(columns, y, weight, l2=0):
    """Return w and the products of the columns with y."""
    moments = [weighted_product(column, y, weight) for column in columns]
    matrix = [[weighted_product(a, b, weight) + (a is b) * l2 * sum(weight) for b in columns] for a in columns]
    return _eliminate(matrix, moments), moments


def sums_of_squares(x, y, weight, *, fit_intercept):
    """Return the explained and the residual sum of squares."""
    columns, y, weight = centred_columns(x, y, weight, fit_intercept=fit_intercept)
    w, moments = solve_normal_equations(columns, y, weight)
    explained = sum(one * moment for one, moment in zip(w, moments, strict=True))
    return explained, weighted_product(y, y, weight) - explained


def _eliminate(matrix, right):
    """Solve by Gauss-Jordan elimination."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for i in range(len(rows)):
        pivot = [value / rows[i][i] for value in rows[i]]
        rows = [[value - row[i] * above for value, above in zip(row, pivot, strict=True)] for row in rows]
        rows[i] = pivot
    return [row[-1] for row in rows]
