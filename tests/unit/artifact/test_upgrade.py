"""Reports of earlier versions are read with the current fields."""

from pathlib import Path

import numpy as np
import pytest

from service.artifact import torchscript
from service.artifact.upgrade import iso_time, upgraded

FORMAT_1 = Path(__file__).with_name("format_1.pt")
"""Written by the service at ff2edc2: 12 rows, 20 epochs that do not converge."""


@pytest.fixture
def version_file():
    return torchscript.load_artifact(FORMAT_1.read_bytes())


def test_a_model_of_format_1_predicts_the_same_bits(version_file):
    assert version_file.format == 1
    w, b, origin, c = torchscript.coefficients(version_file.module())
    x = np.random.default_rng(0).normal(size=(100, 2)) * 10 ** np.random.default_rng(1).uniform(-5, 5, (100, 2))
    np.testing.assert_array_equal(torchscript.predict(version_file.module(), x), x[:, 0] * w[0] + x[:, 1] * w[1] + b)
    assert (origin.tolist(), c) == ([0.0, 0.0], b)


def test_a_time_in_unix_seconds_is_read_as_iso_8601(version_file):
    assert version_file.report["trained_at"] == "2026-11-28T08:44:40.898Z"


def test_a_missing_r2_is_that_of_the_stored_coefficients(version_file):
    i = np.arange(12)
    x, y = np.column_stack([i, i * 7 % 5]), 3 * i + i * 7 % 5 + i % 3
    predicted = torchscript.predict(version_file.module(), x.astype(float))
    expected = 1 - np.square(y - predicted).sum() / np.square(y - y.mean()).sum()
    assert version_file.report["r2"] == pytest.approx(expected, rel=1e-12)
    assert version_file.report["r2"] < version_file.report["optimum"]["r2"] - 0.05


def test_former_words_are_replaced():
    report = {"r2": 1.0, "trained_at": "2026-11-28T08:44:40.898Z", "options": {"epochs": None}}
    report["warnings"] = [{"type": "distant-limit"}]
    found = upgraded(report, pytest.fail)
    assert found["warnings"] == [{"type": "slow-convergence"}]
    assert found["options"] == {"epochs": "converged"}


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1795428564.071, "2026-11-23T10:09:24.071Z"),
        (1.9996, "1970-01-01T00:00:01.999Z"),
    ],
)
def test_times_are_utc_in_milliseconds(seconds, expected):
    assert iso_time(seconds) == expected
