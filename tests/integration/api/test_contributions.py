"""Contributions of the columns to a prediction, and missing values in batches."""

import json
import math

import numpy as np
import pytest
import table_bodies
from calls import PLANE, X, Y, post_table, train

ROWS = [list(row) for row in zip(*X.values(), strict=True)]


NAMED = {"x0": X["a"], "x1": X["b"]}


RECORDS = [dict(zip(NAMED, row, strict=True)) for row in ROWS]


FLAT, THIN, LONE = X["a"], [[a] for a in X["a"]], {"x": X["a"]}


def shape_of(values):
    return {name: len(column) for name, column in values.items()} if isinstance(values, dict) else np.shape(values)


@pytest.mark.parametrize("form", ["rows", "columns", "flat"])
def test_contributions_add_up_to_the_prediction(client, form):
    generator = np.random.default_rng(0)
    x = generator.normal(size=(30, 1 if form == "flat" else 3))
    y = x @ np.arange(1, x.shape[1] + 1) + generator.normal(size=30)
    sent = {"rows": x.tolist(), "flat": x[:, 0].tolist(), "columns": dict(zip("abc", x.T.tolist(), strict=False))}[form]
    fit = train(client, x=sent, y=y.tolist()).json
    response = client.post("/models/m/predict", json={"x": sent, "explain": True}).json
    contributions = response["contributions"]
    added = (
        np.sum(list(contributions.values()), axis=0) if form == "columns" else np.reshape(contributions, x.shape).sum(1)
    )
    np.testing.assert_allclose(added + response["mean_prediction"], response["y"], rtol=1e-12)
    assert response["mean_prediction"] == pytest.approx(y.mean())
    w = np.ravel(list(fit["w"].values()) if form == "columns" else fit["w"])
    expected = w * (x - x.mean(axis=0))
    found = np.column_stack(list(contributions.values())) if form == "columns" else np.reshape(contributions, x.shape)
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize(
    ("trained_on", "others", "table"),
    [
        (ROWS, [NAMED, RECORDS], NAMED),
        (NAMED, [ROWS, RECORDS], NAMED),
        (FLAT, [THIN, LONE], LONE),
        (THIN, [FLAT, LONE], LONE),
        (LONE, [FLAT, THIN], LONE),
    ],
    ids=["rows", "columns", "flat", "thin", "lone"],
)
def test_contributions_have_the_form_of_the_models_rows(client, trained_on, others, table):
    client.post("/models/a/train", json={"x": trained_on, "y": Y})
    requests = [{"x": x, "explain": True} for x in (trained_on, *others)]
    responses = [client.post("/models/a/predict", json=body) for body in requests]
    responses += [
        post_table(client, "/models/a/predict?explain=true", media_type, table) for media_type in table_bodies.TABLES
    ]
    contributions = [response.json["contributions"] for response in responses]
    assert all(each == contributions[0] for each in contributions)
    assert shape_of(contributions[0]) == shape_of(trained_on)


@pytest.mark.parametrize("kept", [[4, 5], []], ids=["some", "none"])
@pytest.mark.parametrize("accept", [table_bodies.JSON, table_bodies.CSV, table_bodies.NDJSON])
def test_a_batch_without_remaining_rows_does_not_change_the_response(client, accept, kept):
    post_table(client, "/models/a/train", table_bodies.CSV, PLANE)
    x = {name: [value if i in kept else math.nan for i, value in enumerate(values)] for name, values in X.items()}
    query = "/models/a/predict?missing=drop&explain=true"
    expected = post_table(client, query, table_bodies.CSV, x, Accept=accept)  # in one batch
    response = post_table(client, query, table_bodies.ARROW, x, Accept=accept)  # in two
    assert response.status_code == 200
    assert response.data == expected.data
    if accept == table_bodies.JSON:
        assert len(json.loads(response.data)["y"]) == len(kept)
