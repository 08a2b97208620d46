"""Warnings of fits whose coefficients are not unique or far from converged."""

import pytest
from calls import fit

METHODS = pytest.mark.parametrize("method", ["spectral", "autograd"])


@METHODS
def test_collinear_and_constant_columns_give_warnings_and_finite_coefficients(client, method):
    x = [{"a": a, "twin": 2 * a, "flat": 5, "c": a * a % 5} for a in range(8)]
    report = fit(client, x=x, y=[3 * row["a"] + row["c"] for row in x], method=method, epochs=400)
    warned = {notice["type"]: notice.get("columns") for notice in report["warnings"]}
    assert warned == {"constant": ["flat"], "collinear": ["a", "twin"], "perfect-fit": None}
    assert report["w"]["a"] + 2 * report["w"]["twin"] == pytest.approx(3, rel=1e-6)
    assert report["w"]["flat"] == 0
    assert report["optimum"]["std_errors"]["w"]["a"] is None
    assert report["optimum"]["std_errors"]["w"]["c"] is not None
    assert client.post("/predict", json={"x": x[1]}).json["y"] == pytest.approx(4, rel=1e-6)


def test_one_row_gives_warnings_and_null_statistics(client):
    report = fit(client, x=[2], y=[6])
    assert [notice["type"] for notice in report["warnings"]] == ["constant", "underdetermined"]
    assert [notice["detail"] for notice in report["warnings"]] == [
        "Constant columns have no unique coefficient: x. Drop them.",
        "1 row for 1 parameter: the model also fits the noise. Add rows or drop columns.",
    ]
    assert report["optimum"]["std_errors"] is None
    assert report["optimum"]["undefined"]
    assert client.post("/predict", json={"x": 2}).json["y"] == pytest.approx(6)


def test_convergence_after_more_than_2_to_the_53_steps_gives_a_warning(client, tutorial):
    report = fit(client, **tutorial, learning_rate=1e-17)
    assert report["epochs"] is None
    assert [notice["type"] for notice in report["warnings"]] == ["slow-convergence"]


@pytest.mark.parametrize("y", [[3, 3, 3, 3, 3], [0.1, 0.1, 0.1, 0.1, 0.1], [0, 0, 0, 0, 0], [1, 1.1, 1.2, 1.3, 1.4]])
@pytest.mark.parametrize("offset", [0, 1e9])
def test_residuals_that_are_rounding_errors_give_a_warning(client, y, offset):
    report = fit(client, x=[offset + i for i in range(5)], y=y)
    assert [notice["type"] for notice in report["warnings"]] == ["perfect-fit"]


@pytest.mark.parametrize(
    ("y", "options"),
    [
        ([1, 1.1, 1.2, 1.3, 1.4 + 1e-13], {}),
        ([1e9 + 1, 1e9 + 2, 1e9 + 3, 1e9 + 4, 1e9 + 5.001], {}),
        ([1, 2, 3, 4, 5], {"l2": 1}),
    ],
)
def test_small_residuals_above_rounding_give_no_warning(client, y, options):
    assert not fit(client, x=[0, 1, 2, 3, 4], y=y, **options)["warnings"]
