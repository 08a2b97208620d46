"""Dry runs, which fit without publishing."""

import numpy as np
import pytest
import table_bodies
from calls import PLANE, XY, post_table, train


def test_a_dry_run_publishes_nothing(client):
    fit = train(client, **XY, dry_run=True, status=200).json
    assert (fit["version"], fit["serving"]) == (None, None)
    assert fit["history"]["epoch"]
    assert client.get("/models").json == {"models": []}
    train(client, **XY)
    assert train(client, x=[5], y=[11], append=True, dry_run=True, status=200).json["n"] == 5
    assert client.get("/models/m").json["versions"] == [1]


@pytest.mark.parametrize("method", ["spectral", "autograd"])
@pytest.mark.parametrize("epochs", [None, 5, 500])
def test_a_dry_run_shows_a_divergence_in_finite_numbers(client, method, epochs):
    fit = train(client, **XY, dry_run=True, learning_rate=10, epochs=epochs, method=method, status=200).json
    losses = fit["history"]["loss"]
    assert np.isfinite(losses).all()
    assert (np.diff(losses) > 0).all()
    assert fit["loss"] == pytest.approx(losses[-1])
    assert fit["converged"] is False
    assert "diverging" in [notice["type"] for notice in fit["warnings"]]
    assert fit["epochs"] == fit["history"]["epoch"][-1] <= (epochs or 500)


def test_a_dry_run_accepts_a_table(client):
    response = post_table(client, "/models/a/train?dry_run=true&missing=drop", table_bodies.CSV, PLANE)
    assert (response.status_code, response.json["version"], response.json["dropped"]) == (200, None, 0)
    assert client.get("/models/a").status_code == 404
