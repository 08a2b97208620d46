"""Evaluation of predictions against observed y."""

import numpy as np
import pytest
import table_bodies
from calls import PLANE, XY, X, Y, post_table, train
from sklearn import metrics


@pytest.mark.parametrize("weighted", [False, True])
def test_an_evaluation_equals_the_metrics_of_scikit_learn(client, weighted):
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=50), generator.normal(size=50)
    weight = generator.uniform(0, 2, 50) if weighted else None
    train(client, **XY)
    body = {"x": x.tolist(), "y": y.tolist(), **({"sample_weight": weight.tolist()} if weighted else {})}
    found = client.post("/models/m/evaluate", json=body).json
    predicted = client.post("/models/m/predict", json={"x": x.tolist()}).json["y"]
    assert found["n"] == 50
    assert found["mse"] == pytest.approx(metrics.mean_squared_error(y, predicted, sample_weight=weight))
    assert found["rmse"] == pytest.approx(metrics.root_mean_squared_error(y, predicted, sample_weight=weight))
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(y, predicted, sample_weight=weight))
    assert found["r2"] == pytest.approx(metrics.r2_score(y, predicted, sample_weight=weight))
    assert found["bias"] == pytest.approx(np.average(np.array(predicted) - y, weights=weight))
    assert f'descent_evaluation_loss{{model="m"}} {found["mse"]!r}' in client.get("/metrics").text


def test_r2_is_null_if_y_is_constant(client):
    train(client, **XY)
    assert client.post("/models/m/versions/1/evaluate", json={"x": [1, 2], "y": [3, 3]}).json["r2"] is None


@pytest.mark.parametrize(
    "body",
    [
        {"x": [1], "y": [1, 2]},
        {"x": [1], "y": [1], "sample_weight": [0]},
        {"x": [1], "y": [1], "sample_weight": [1, 2]},
    ],
)
def test_an_invalid_evaluation_is_rejected(client, body):
    train(client, **XY)
    assert client.post("/models/m/evaluate", json=body).status_code == 422


@pytest.mark.parametrize("media_type", table_bodies.ALL)
def test_every_media_type_gives_the_same_evaluation(client, media_type):
    post_table(client, "/models/a/train", table_bodies.CSV, PLANE)
    y = [value + 0.5 for value in Y]
    expected = client.post("/models/a/evaluate", json={"x": X, "y": y}).json
    response = post_table(client, "/models/a/evaluate", media_type, {**X, "y": y}).json
    assert response.pop("model") == expected.pop("model")
    assert response == pytest.approx(expected, rel=1e-12)
    assert expected["bias"] == pytest.approx(
        np.mean(client.post("/models/a/predict", json={"x": X}).json["y"]) - np.mean(y)
    )


def test_an_evaluation_in_batches_equals_that_of_all_rows(client):
    generator = np.random.default_rng(1)
    x = generator.normal(size=300_000)
    y = 1.7e9 + 3 * x + generator.normal(size=len(x))
    weight = np.where(np.arange(len(x)) < 250_000, 0, generator.uniform(1, 2, len(x)))
    client.post("/models/a/train", json={"x": x[:100].tolist(), "y": y[:100].tolist()})
    body = table_bodies.as_arrow({"x": x, "y": y, "w": weight}, rows_per_batch=70_000)
    found = client.post("/models/a/evaluate?weight=w", data=body, content_type=table_bodies.ARROW).json
    fit = client.get("/models/a/versions/1").json
    error = fit["w"] * x + fit["b"] - y
    mse = np.average(error**2, weights=weight)
    deviation = y - np.average(y, weights=weight)
    assert found["n"] == 50_000
    assert found["mse"] == pytest.approx(mse, rel=1e-6)
    assert found["mae"] == pytest.approx(np.average(np.abs(error), weights=weight), rel=1e-6)
    assert found["r2"] == pytest.approx(1 - mse / np.average(deviation**2, weights=weight), rel=1e-6)
