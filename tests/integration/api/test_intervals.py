"""Prediction and confidence intervals."""

import numpy as np
import pytest
import statsmodels.api as sm
import table_bodies
from calls import PLANE, XY, X, post_table, train
from sklearn.datasets import load_diabetes


@pytest.fixture(scope="module")
def diabetes():
    x, y = load_diabetes(return_X_y=True)
    return x, y, sm.OLS(y, sm.add_constant(x)).fit()


def test_intervals_equal_those_of_statsmodels(client, diabetes):
    x, y, oracle = diabetes
    train(client, x=x.tolist(), y=y.tolist())
    frame = oracle.get_prediction(sm.add_constant(x)[:5]).summary_frame(0.1)
    for kind, prefix in (("prediction", "obs"), ("confidence", "mean")):
        response = client.post(
            "/models/m/predict", json={"x": x[:5].tolist(), "interval": 0.9, "interval_kind": kind}
        ).json
        np.testing.assert_allclose(response["lower"], frame[f"{prefix}_ci_lower"], rtol=1e-8)
        np.testing.assert_allclose(response["upper"], frame[f"{prefix}_ci_upper"], rtol=1e-8)


def test_a_single_row_has_numbers_for_bounds_and_contributions(client):
    train(client, **XY)
    response = client.post("/models/m/predict", json={"x": 2.5, "interval": 0.95, "explain": True}).json
    assert response["lower"] < response["y"] < response["upper"]
    assert response["contributions"] == pytest.approx(0)
    assert response["mean_prediction"] == pytest.approx(response["y"])


@pytest.mark.parametrize(
    ("options", "expected"),
    [({"epochs": 1, "learning_rate": 0.01}, "converged"), ({"l2": 1}, "l2"), ({"x": [[1, 2]] * 4}, "determine")],
)
def test_an_undefined_interval_is_rejected(client, options, expected):
    train(client, **(XY | options))
    x = [[1, 2]] if "x" in options else [1]
    response = client.post("/models/m/predict", json={"x": x, "interval": 0.95})
    assert response.status_code == 422
    assert response.json["errors"][0]["pointer"] == "/interval"
    assert expected in response.json["detail"]


@pytest.mark.parametrize("kind", ["prediction", "confidence"])
def test_a_kind_of_interval_without_an_interval_is_rejected(client, kind):
    train(client, **XY)
    path, fault = (
        "/models/m/predict",
        {"pointer": "/interval_kind", "detail": "needs interval; give interval too, such as 0.95"},
    )
    for more in ({}, {"interval": None}, {"explain": True}):
        response = client.post(path, json={"x": 1, "interval_kind": kind} | more)
        assert (response.status_code, response.json["errors"]) == (422, [fault])
    response = client.post(f"{path}?interval_kind={kind}", data="x\n1\n", content_type="text/csv")
    assert (response.status_code, response.json["errors"]) == (422, [fault])


@pytest.mark.parametrize("kind", ["prediction", "confidence"])
def test_an_overflowing_interval_is_rejected_at_its_row(client, kind):
    train(client, x=[1e-30, 2e-30, 3e-30, 4e-30], y=[1e-30, 2.5e-30, 2.5e-30, 4e-30])
    options = {"interval": 0.9, "interval_kind": kind}
    for x, pointer in (
        ([0, 1e149], "/x/1"),
        ({"x": [0, 1e149]}, "/x"),
        (1e149, "/x"),
        ([0] * 9999 + [1e149], "/x/9999"),
    ):
        response = client.post("/models/m/predict", json={"x": x, **options})
        assert (response.status_code, response.json["errors"]) == (
            422,
            [
                {
                    "pointer": pointer,
                    "detail": "has an interval that overflows float64; send values of smaller magnitude",
                }
            ],
        )
    table = {"data": "x\n0\n1e149\n", "content_type": "text/csv", "headers": {"Accept": "text/csv"}}
    response = client.post("/models/m/predict", query_string=options, **table)
    assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, "/x/1")


@pytest.mark.parametrize("media_type", table_bodies.TABLES)
def test_intervals_and_contributions_of_a_table_equal_those_of_json(client, media_type):
    post_table(client, "/models/a/train", media_type, PLANE)
    named = media_type != table_bodies.NPY
    x = X if named else np.column_stack(list(X.values())).tolist()
    expected = client.post("/models/a/predict", json={"x": x, "interval": 0.9, "explain": True}).json
    assert post_table(client, "/models/a/predict?interval=0.9&explain=true", media_type, X).json == expected
    contributions = expected["contributions"]
    if not named:
        contributions = dict(zip(("x0", "x1"), map(list, zip(*contributions, strict=True)), strict=True))
    as_table = post_table(
        client, "/models/a/predict?interval=0.9&explain=true", media_type, X, Accept=table_bodies.NDJSON
    )
    assert table_bodies.read(table_bodies.NDJSON, as_table.data) == {
        **{name: expected[name] for name in ("y", "lower", "upper")},
        **{f"contributions.{name}": values for name, values in contributions.items()},
    }
    from_json = client.post(
        "/models/a/predict", json={"x": x, "interval": 0.9, "explain": True}, headers={"Accept": table_bodies.NDJSON}
    )
    assert from_json.data == as_table.data


def test_an_undefined_interval_is_rejected_before_the_table_is_read(client):
    post_table(client, "/models/a/train?epochs=1", table_bodies.CSV, PLANE)
    response = post_table(client, "/models/a/predict?interval=0.9", table_bodies.CSV, X)
    assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, "/interval")
