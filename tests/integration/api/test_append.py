"""Appends: a version continues an earlier one with new rows."""

import numpy as np
import pytest
import table_bodies
from calls import PLANE, XY, part, post_table, train
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def assert_same_fit(found, expected):
    largest = max(np.abs(np.ravel(expected["w"])).max(), abs(expected["b"]))
    for name in ("w", "b"):
        np.testing.assert_allclose(found[name], expected[name], atol=1e-11 * largest)
    assert found["optimum"]["rss"] == pytest.approx(expected["optimum"]["rss"], rel=1e-11)
    for name in ("w", "b"):
        np.testing.assert_allclose(
            found["optimum"]["std_errors"][name], expected["optimum"]["std_errors"][name], rtol=1e-11
        )


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32 - 1), st.integers(1, 50), st.integers(1, 5), st.booleans())
def test_appends_of_random_parts_equal_one_training_on_all_rows(client, seed, parts, d, weighted):
    generator = np.random.default_rng(seed)
    n = parts + 20
    x, weight = generator.normal(2, 1, (n, d)), generator.uniform(0.5, 2, n)
    y = x @ generator.normal(size=d) + generator.normal(size=n)
    cuts = np.sort(generator.choice(np.arange(1, n), parts - 1, replace=False))
    name = f"parts{seed}-{parts}-{d}-{weighted}"
    for i, rows in enumerate(np.split(np.arange(n), cuts)):
        weights = {"sample_weight": weight[rows].tolist()} if weighted else {}
        merged = train(client, name, x=x[rows].tolist(), y=y[rows].tolist(), append=i > 0, **weights).json
    weights = {"sample_weight": weight.tolist()} if weighted else {}
    whole = train(client, f"{name}-whole", x=x.tolist(), y=y.tolist(), **weights).json
    assert merged["n"] == whole["n"] == n
    assert_same_fit(merged, whole)


def test_an_append_inherits_omitted_options(client):
    train(client, **XY, l2=0.5, fit_intercept=False, learning_rate=0.01)
    merged = train(client, x=[5], y=[11], append=True).json
    whole = train(
        client, "whole", x=[*XY["x"], 5], y=[*XY["y"], 11], l2=0.5, fit_intercept=False, learning_rate=0.01
    ).json
    assert merged["options"] == whole["options"]
    assert merged["w"] == pytest.approx(whole["w"], rel=1e-12)
    changed = train(client, x=[6], y=[12], append=True, l2=0, epochs=3).json
    assert (changed["options"]["l2"], changed["options"]["epochs"]) == (0, 3)
    assert changed["options"]["fit_intercept"] is False


def test_the_learning_rate_auto_is_computed_from_all_rows(client):
    train(client, **XY, standardize=False)
    merged = train(client, x=[50], y=[90], append=True).json
    whole = train(client, "whole", x=[*XY["x"], 50], y=[*XY["y"], 90], standardize=False).json
    assert merged["options"]["learning_rate"] == pytest.approx(whole["options"]["learning_rate"], rel=1e-12)


def test_initial_replaces_an_inherited_seed_and_the_reverse(client):
    train(client, **XY, seed=3, epochs=0)
    started = train(client, x=[5], y=[11], append=True, initial={"w": 1, "b": 2}).json
    assert (started["w"], started["b"], started["options"]["seed"]) == (1, 2, None)
    again = train(client, x=[5], y=[11], append=True).json
    assert (again["w"], again["b"]) == (1, 2)
    assert train(client, x=[5], y=[11], append=True, seed=3).json["options"]["initial"] is None


def test_an_append_continues_the_newest_or_the_named_version(client):
    train(client, **XY)
    train(client, x=[5], y=[11], append=True)
    from_first = train(client, x=[9], y=[18], append=1).json
    assert (from_first["version"], from_first["n"]) == (3, 5)
    client.put("/models/m/serving", json={"version": 1})
    assert train(client, x=[9], y=[18], append=True).json["n"] == 6
    assert train(client, x=[9], y=[18], append=9, status=404).json["type"].endswith("version-not-found")
    assert train(client, "none", x=[9], y=[18], append=True, status=404).json["type"].endswith("model-not-found")
    assert client.get("/models/none").status_code == 404


def test_appended_columns_match_by_name(client):
    rows = [{"a": a, "b": a * a} for a in range(6)]
    train(client, x=rows, y=[row["a"] - row["b"] for row in rows])
    merged = train(client, x={"b": [49], "a": [7]}, y=[-42], append=True).json
    assert merged["w"] == {"a": pytest.approx(1), "b": pytest.approx(-1)}
    problem = train(client, x={"a": [1], "c": [1]}, y=[1], append=True, status=422).json
    assert "'b' is missing" in problem["detail"]


def test_autograd_rejects_an_append(client):
    train(client, **XY, method="autograd", epochs=5)
    assert train(client, x=[5], y=[11], append=True, status=422).json["errors"][0]["pointer"] == "/method"
    assert train(client, x=[5], y=[11], append=True, method="spectral").json["n"] == 5


def test_decay_multiplies_the_weights_of_earlier_rows(client):
    train(client, **XY)
    decayed = train(client, x=[5, 6], y=[20, 10], append=True, decay=0.25).json
    weighted = train(client, "w", x=[*XY["x"], 5, 6], y=[*XY["y"], 20, 10], sample_weight=[0.25] * 4 + [1, 1]).json
    assert (decayed["w"], decayed["b"]) == pytest.approx((weighted["w"], weighted["b"]), rel=1e-12)
    assert decayed["n"] == 3
    assert decayed["optimum"]["aic"] is None
    assert train(client, **XY, decay=0.5, status=422).json["errors"][0]["pointer"] == "/decay"


@pytest.mark.parametrize("media_type", table_bodies.TABLES)
def test_an_append_of_any_table_equals_a_training_on_all_rows(client, media_type):
    whole = post_table(client, "/models/whole/train", media_type, PLANE).json
    assert post_table(client, "/models/a/train", media_type, part(slice(0, 4))).status_code == 201
    appended = post_table(client, "/models/a/train?append=true", media_type, part(slice(4, 6))).json
    assert (appended["version"], appended["n"]) == (2, 6)
    w, expected = (
        np.array(list(each["w"].values() if isinstance(each["w"], dict) else each["w"])) for each in (appended, whole)
    )
    np.testing.assert_allclose(w, expected, rtol=1e-12)


def test_the_columns_of_an_appended_table_can_be_in_another_order(client):
    whole = post_table(client, "/models/whole/train", table_bodies.CSV, PLANE).json
    post_table(client, "/models/a/train", table_bodies.CSV, part(slice(0, 4)))
    rest = part(slice(4, 6))
    reordered = {name: rest[name] for name in ("y", "b", "a")}
    appended = post_table(client, "/models/a/train?append=true&decay=1", table_bodies.ARROW, reordered).json
    assert appended["w"] == pytest.approx(whole["w"], rel=1e-12)
    assert appended["optimum"]["r2"] == pytest.approx(whole["optimum"]["r2"], rel=1e-12)
    assert appended["optimum"]["aic"] == pytest.approx(whole["optimum"]["aic"], rel=1e-9)
    wrong = post_table(client, "/models/a/train?append=true", table_bodies.CSV, {"a": [1.0], "c": [2.0], "y": [3.0]})
    assert (wrong.status_code, wrong.json["errors"][0]["pointer"]) == (422, "/x")
