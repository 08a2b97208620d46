"""Train and predict through the app: the tutorial, the oracles, the warnings."""

import numpy as np
import pytest
import statsmodels.api as sm
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

LOSSES = [
    104.9967, 2.1443493, 0.2407106, 0.2052997, 0.2044645, 0.2042702,
    0.2040886, 0.2039081, 0.2037286, 0.2035500, 0.2033724,
]  # fmt: skip
"""The tutorial's losses before each update, in float32."""
METHODS = pytest.mark.parametrize("method", ["spectral", "autograd"])


def train(client, path="/train", status=201, **body):
    answer = client.post(path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json


def six_digits(value):
    return pytest.approx(value, rel=2e-6)


@METHODS
def test_the_tutorial_gives_its_losses(client, tutorial, method):
    fit = train(client, **tutorial, learning_rate=0.01, epochs=11, seed=20, method=method)
    assert fit["history"]["epoch"] == list(range(12))
    assert fit["history"]["loss"][:11] == six_digits(LOSSES)
    assert fit["initial_loss"] == six_digits(104.9967)
    assert fit["loss"] == fit["history"]["loss"][-1]
    assert fit["epochs"] == 11
    assert fit["converged"] is False
    assert fit["largest_stable_learning_rate"] == pytest.approx(0.0231492038, abs=1e-10)
    assert (fit["optimum"]["w"], fit["optimum"]["b"]) == pytest.approx((0.25998989, 0.74766528), abs=1e-6)


@METHODS
def test_the_tutorials_first_step_is_its_first_gradient(client, tutorial, method):
    before = train(client, **tutorial, learning_rate=0.01, epochs=0, seed=20, method=method)
    after = train(client, **tutorial, learning_rate=0.01, epochs=1, seed=20, method=method)
    assert before["w"] == pytest.approx(-1.2061, abs=5e-5)
    assert (before["w"] - after["w"]) / 0.01 == six_digits(-133.1749)
    assert (before["b"] - after["b"]) / 0.01 == six_digits(-19.2775)


def test_both_methods_agree(client, tutorial):
    options = {"learning_rate": 0.02, "epochs": 300, "initial": {"w": 1, "b": -2}, "l2": 0.1}
    spectral = train(client, **tutorial, **options, method="spectral")
    autograd = train(client, **tutorial, **options, method="autograd")
    assert (spectral["w"], spectral["b"]) == pytest.approx((autograd["w"], autograd["b"]), rel=1e-9)
    assert spectral["history"]["objective"] == pytest.approx(autograd["history"]["objective"], rel=1e-9)
    assert spectral["objective"] == pytest.approx(spectral["loss"] + 0.1 * spectral["w"] ** 2)


def test_a_diverging_rate_names_its_bound_and_publishes_nothing(client, tutorial):
    problem = train(client, status=422, **tutorial, learning_rate=0.05)
    assert problem["type"] == "urn:descent:problem:diverging-learning-rate"
    assert "0.023149" in problem["detail"]
    assert problem["errors"][0]["pointer"] == "/learning_rate"
    assert client.get("/models").json["models"] == []
    bound = problem["largest_stable_learning_rate"]
    assert train(client, status=422, **tutorial, learning_rate=bound * 1.001)
    fit = train(client, **tutorial, learning_rate=bound * 0.999)
    assert fit["converged"] is True
    assert fit["w"] == pytest.approx(0.25998989, abs=1e-7)


@pytest.mark.parametrize("learning_rate", ["auto", 0.01])
def test_by_default_the_answer_is_the_limit(client, tutorial, learning_rate):
    fit = train(client, **tutorial, learning_rate=learning_rate)
    assert fit["converged"] is True
    assert (fit["w"], fit["b"]) == (fit["optimum"]["w"], fit["optimum"]["b"])
    assert fit["epochs"] == fit["history"]["epoch"][-1]
    assert fit["options"]["standardize"] is (learning_rate == "auto")
    assert fit["warnings"] == []


def test_autograd_walks_to_its_bound_and_says_where_it_is(client, tutorial):
    fit = train(client, **tutorial, method="autograd", learning_rate=0.01)
    assert (fit["epochs"], fit["converged"]) == (500, False)
    assert train(client, **tutorial, method="autograd", learning_rate="auto")["converged"] is True
    problem = train(client, status=422, **tutorial, method="autograd", epochs=501)
    assert "DESCENT_MAX_AUTOGRAD_EPOCHS" in problem["detail"]


@METHODS
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"learning_rate": 0.01, "epochs": 7, "seed": 3},
        {"l2": 0.5, "initial": {"w": 2, "b": 1}},
        {"learning_rate": 0.3, "standardize": True, "epochs": 20},
        {"fit_intercept": False, "epochs": 3},
    ],
)
def test_the_effective_options_sent_back_give_the_same_fit(client, tutorial, method, options):
    first = train(client, **tutorial, **options, method=method)
    again = train(client, **tutorial, **first["options"])
    for name in ("w", "b", "loss", "epochs", "history", "options", "optimum"):
        assert again[name] == first[name]


def test_diabetes_gives_the_coefficients_errors_and_r2_of_statsmodels(client):
    x, y = load_diabetes(return_X_y=True)
    oracle = sm.OLS(y, sm.add_constant(x)).fit()
    fit = train(client, x=x.tolist(), y=y.tolist())
    errors = fit["optimum"]["std_errors"]
    np.testing.assert_allclose([fit["b"], *fit["w"]], oracle.params, rtol=1e-10)
    np.testing.assert_allclose([errors["b"], *errors["w"]], oracle.bse, rtol=1e-10)
    assert fit["optimum"]["r2"] == pytest.approx(oracle.rsquared, rel=1e-10)
    ridge = Ridge(alpha=len(y) * 0.01).fit(x, y)
    penalised = train(client, x=x.tolist(), y=y.tolist(), l2=0.01)
    np.testing.assert_allclose([penalised["b"], *penalised["w"]], [ridge.intercept_, *ridge.coef_], rtol=1e-10)


@METHODS
def test_raw_timestamps_fit(client, method):
    x = 1.7e9 + np.arange(0, 86_400, 300.0)
    y = 20 + 1e-4 * (x - 1.7e9) + np.sin(x)
    slope, intercept = np.polyfit(x - 1.7e9, y, 1)
    fit = train(client, x=x.tolist(), y=y.tolist(), method=method)
    assert fit["w"] == pytest.approx(slope, rel=1e-10)
    assert fit["converged"] is True
    answer = client.post("/predict", json={"x": 1.7e9}).json
    assert answer["y"] == pytest.approx(intercept, abs=1e-9)


@METHODS
def test_collinear_and_constant_columns_warn_and_answer_finitely(client, method):
    x = [{"a": a, "twin": 2 * a, "flat": 5, "c": a * a % 5} for a in range(8)]
    fit = train(client, x=x, y=[3 * row["a"] + row["c"] for row in x], method=method, epochs=400)
    warned = {notice["type"]: notice.get("columns") for notice in fit["warnings"]}
    assert warned == {"constant": ["flat"], "collinear": ["a", "twin"]}
    assert fit["w"]["a"] + 2 * fit["w"]["twin"] == pytest.approx(3, rel=1e-6)
    assert fit["w"]["flat"] == 0
    assert fit["optimum"]["std_errors"]["w"]["a"] is None
    assert fit["optimum"]["std_errors"]["w"]["c"] is not None
    assert client.post("/predict", json={"x": x[1]}).json["y"] == pytest.approx(4, rel=1e-6)


def test_one_row_suffices_with_a_warning_and_null_statistics(client):
    fit = train(client, x=[2], y=[6])
    assert [notice["type"] for notice in fit["warnings"]] == ["constant", "underdetermined"]
    assert [notice["detail"] for notice in fit["warnings"]] == [
        "Constant columns have no coefficient to estimate: x.",
        "1 row for 1 parameter: the line fits the noise as closely as the signal.",
    ]
    assert fit["optimum"]["std_errors"] is None
    assert fit["optimum"]["undefined"]
    assert client.post("/predict", json={"x": 2}).json["y"] == pytest.approx(6)


def test_a_limit_past_2_to_the_53_warns(client, tutorial):
    fit = train(client, **tutorial, learning_rate=1e-17)
    assert fit["epochs"] is None
    assert [notice["type"] for notice in fit["warnings"]] == ["slow-convergence"]


def test_a_weight_of_two_is_the_row_twice(client, tutorial):
    twice = {name: values + values[:5] for name, values in tutorial.items()}
    weighted = train(client, **tutorial, sample_weight=[2] * 5 + [1] * 10)
    doubled = train(client, **twice)
    assert (weighted["w"], weighted["b"]) == pytest.approx((doubled["w"], doubled["b"]), rel=1e-12)
    assert (weighted["n"], doubled["n"]) == (15, 20)


@pytest.mark.parametrize(
    ("x", "w"),
    [
        ([1, 2, 3], 2.0),
        ([[1], [2], [3]], [2.0]),
        ({"area": [1, 2, 3]}, {"area": 2.0}),
        ([{"area": 1}, {"area": 2}, {"area": 3}], {"area": 2.0}),
    ],
)
def test_w_mirrors_a_row_of_x(client, x, w):
    fit = train(client, x=x, y=[3, 5, 7])
    assert fit["w"] == (pytest.approx(w) if not isinstance(w, dict) else {"area": pytest.approx(2.0)})
    assert type(fit["w"]) is type(w)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ({"b": [1, 2], "a": [10, 20]}, [12.0, 23.0]),
        ([[10, 1], [20, 2]], [12.0, 23.0]),
        ([{"a": 10, "b": 1}], [12.0]),
        ({"b": 1, "a": 10}, 12.0),
    ],
)
def test_predictions_match_columns_and_mirror_the_form(client, x, y):
    rows = [{"a": a, "b": b} for a in range(3) for b in range(3)]
    train(client, x=rows, y=[row["a"] + row["b"] + 1 for row in rows])
    assert client.post("/predict", json={"x": x}).json["y"] == pytest.approx(y)


def test_an_overflowing_prediction_is_refused_at_its_row(client):
    train(client, x=[0, 1e-150], y=[0, 1e150])
    answer = client.post("/predict", json={"x": [1, 1e150]})
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "/x/1"
