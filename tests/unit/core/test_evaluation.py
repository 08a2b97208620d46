"""Metrics of batches against scikit-learn's metrics of the whole."""

import numpy as np
import pytest
from sklearn import metrics

from service.core.evaluation import EvaluationBatch, evaluate


def data(n=300):
    generator = np.random.default_rng(2)
    y = generator.normal(1e6, 3, n)
    return y, y + generator.normal(0.5, 1, n), generator.uniform(0.1, 3, n)


def batches(y, predicted, weight, size):
    for start in range(0, len(y), size):
        rows = slice(start, start + size)
        yield EvaluationBatch(y[rows], predicted[rows], None if weight is None else weight[rows])


@pytest.mark.parametrize("size", [1, 7, 300])
@pytest.mark.parametrize("weighted", [False, True])
def test_metrics_are_those_of_scikit_learn_for_any_batch_size(size, weighted):
    y, predicted, weight = data()
    weight = weight if weighted else None
    evaluation = evaluate(batches(y, predicted, weight, size))
    assert evaluation.n == len(y)
    assert evaluation.mse == pytest.approx(metrics.mean_squared_error(y, predicted, sample_weight=weight))
    assert evaluation.rmse == pytest.approx(np.sqrt(evaluation.mse))
    assert evaluation.mae == pytest.approx(metrics.mean_absolute_error(y, predicted, sample_weight=weight))
    assert evaluation.r2 == pytest.approx(metrics.r2_score(y, predicted, sample_weight=weight))
    assert evaluation.bias == pytest.approx(np.average(predicted - y, weights=weight))


def test_rows_of_weight_zero_do_not_count():
    y, predicted, weight = data()
    weight[::2] = 0
    evaluation = evaluate(batches(y, predicted, weight, 10))
    expected = evaluate(batches(y[1::2], predicted[1::2], weight[1::2], 5))
    assert evaluation.n == 150
    assert evaluation.mse == pytest.approx(expected.mse)


def test_without_any_weight_n_is_zero():
    y, predicted, weight = data(4)
    assert evaluate(batches(y, predicted, 0 * weight, 2)).n == 0


def test_r2_is_none_if_y_does_not_vary():
    y = np.full(10, 0.1)
    evaluation = evaluate(batches(y, y + 1, None, 3))
    assert (evaluation.r2, evaluation.bias) == (None, pytest.approx(1))
