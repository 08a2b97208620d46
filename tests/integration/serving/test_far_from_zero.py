"""Predictions of columns far from zero keep their digits: the model is evaluated about the mean of its data."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from calls import train

from service.artifact.torchscript import load_artifact

FORMAT_1 = Path(__file__).parents[2] / "unit/artifact/format_1.pt"
NANOSECONDS = 1_700_000_000_000_000_000
STEP = 256
"""The distance of neighbouring float64 numbers near NANOSECONDS."""


def line(client, count=100, **options):
    """Train on a rising y over time in nanoseconds; return x, y and the fit."""
    x = [NANOSECONDS + STEP * i for i in range(count)]
    y = [5 + i / 3 for i in range(count)]
    return x, np.array(y), train(client, x=x, y=y, **options).json


@pytest.mark.parametrize("options", [{}, {"learning_rate": "auto", "epochs": 10_000}, {"l2": 0}])
def test_predictions_of_unix_nanoseconds_are_exact(client, options):
    x, y, _ = line(client, **options)
    found = client.post("/models/m/predict", json={"x": x}).json["y"]
    np.testing.assert_allclose(found, y, rtol=1e-13)


def test_the_loss_is_that_of_the_predictions(client):
    x, y, fit = line(client, learning_rate="auto", epochs=1)
    found = np.array(client.post("/models/m/predict", json={"x": x}).json["y"])
    assert fit["loss"] == pytest.approx(np.square(found - y).mean(), rel=1e-13, abs=1e-24)
    noisy = (y + np.cos(y)).tolist()
    fit = train(client, x=x, y=noisy).json
    found = np.array(client.post("/models/m/predict", json={"x": x}).json["y"])
    assert fit["loss"] == pytest.approx(np.square(found - noisy).mean(), rel=1e-13)


def test_an_interval_of_a_perfect_fit_contains_the_truth(client):
    x, y, _ = line(client)
    found = client.post("/models/m/predict", json={"x": x, "interval": 0.999}).json
    lower, upper = np.array(found["lower"]), np.array(found["upper"])
    rounding = 4 * np.spacing(y)
    assert ((lower - rounding <= y) & (y <= upper + rounding)).all()


def test_contributions_add_up_to_the_prediction(client):
    x, _, _ = line(client)
    found = client.post("/models/m/predict", json={"x": x, "explain": True}).json
    total = np.array(found["contributions"]) + found["mean_prediction"]
    np.testing.assert_allclose(total, found["y"], rtol=1e-13)


def test_steps_of_the_descent_are_those_of_exact_arithmetic(client):
    x, y, _ = line(client)
    fit = train(client, x=x, y=y.tolist(), learning_rate=0.25, epochs=3, standardize=True).json
    mean = Fraction(sum(x), len(x))
    deviations = [Fraction(value) - mean for value in x]
    spread = sum(d * d for d in deviations) / len(x)
    slope = level = Fraction(0)  # by the deviation in units of the standard deviation, whose square is rational
    for _ in range(3):
        errors = [slope * d + level - Fraction(value) for d, value in zip(deviations, y.tolist(), strict=True)]
        gradient = sum(e * d for e, d in zip(errors, deviations, strict=True)) / len(x) / spread
        slope, level = slope - gradient / 2, level - sum(errors) / len(x) / 2
    expected = [float(slope * d + level) for d in deviations]
    assert fit["epochs"] == 3
    np.testing.assert_allclose(client.post("/models/m/predict", json={"x": x}).json["y"], expected, rtol=1e-13)


def test_a_column_far_from_zero_beside_others(client):
    generator = np.random.default_rng(0)
    x = np.column_stack([1e15 + np.arange(50.0), generator.normal(size=50)])
    y = x[:, 0] - 1e15 + 3 * x[:, 1]
    train(client, x=x.tolist(), y=y.tolist())
    found = client.post("/models/m/predict", json={"x": x.tolist()}).json["y"]
    np.testing.assert_allclose(found, y, atol=1e-12)


def test_a_version_of_format_1_is_served_and_continued_as_format_2(client, settings):
    folder = Path(settings.store) / "old" / "1"
    folder.mkdir(parents=True)
    (folder / "model.pt").write_bytes(FORMAT_1.read_bytes())
    i = np.arange(12)
    x, y = {"a": i.tolist(), "b": (i * 7 % 5).tolist()}, (3 * i + i * 7 % 5 + i % 3).tolist()
    report = client.get("/models/old/versions/1").json
    w, b = report["w"], report["b"]
    served = client.post("/models/old/predict", json={"x": x, "explain": True}).json
    assert served["y"] == [a * w["a"] + other * w["b"] + b for a, other in zip(x["a"], x["b"], strict=True)]
    total = np.add(served["contributions"]["a"], served["contributions"]["b"]) + served["mean_prediction"]
    np.testing.assert_allclose(total, served["y"], rtol=1e-13)

    continued = train(client, "old", x={"a": [20, 21], "b": [1, 4]}, y=[61, 70], append=True, epochs="converged").json
    whole = train(client, x={"a": [*x["a"], 20, 21], "b": [*x["b"], 1, 4]}, y=[*y, 61, 70]).json
    for name in ("a", "b"):
        assert continued["w"][name] == pytest.approx(whole["w"][name], rel=1e-12)
    formats = [load_artifact(client.get(f"/models/old/versions/{number}/artifact").data).format for number in (1, 2)]
    assert formats == [1, 2]
