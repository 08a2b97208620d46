"""The client against the real server."""

import inspect
import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from descent import Client, Problem, Unreachable


@pytest.fixture
def descent(service):
    with Client(service.url) as client:
        yield client


def test_every_kind_of_data_trains_the_same_model_and_predicts_in_its_kind(descent):
    generator = np.random.default_rng(5)
    x = generator.normal(size=(50, 2))
    y = x @ [2.0, -1.0] + generator.normal(size=50)
    weight = generator.uniform(0.5, 2, size=50)
    frame = pd.DataFrame(x, columns=["a", "b"], index=np.arange(50) * 2)
    table = pa.table({"a": x[:, 0], "b": x[:, 1]})
    for sample_weight in (None, weight):
        coefficients = []
        for data in (x, frame, table, x.tolist()):
            fit = descent.train(data, y, model="kinds", sample_weight=sample_weight)
            w = fit["w"]
            coefficients.append([*(w.values() if isinstance(w, dict) else w), fit["b"]])
        assert coefficients[1:] == coefficients[:-1]
    predicted = [descent.predict(data, model="kinds") for data in (x, frame, table, x.tolist())]
    assert [type(each) for each in predicted[:2]] == [np.ndarray, pd.Series]
    assert isinstance(predicted[2], pa.Array)
    assert list(predicted[1].index) == list(frame.index)
    assert predicted[0].tolist() == predicted[1].tolist() == predicted[2].to_pylist() == predicted[3]


def test_every_kind_of_data_takes_y_of_one_column_and_names_the_version_that_predicted(descent):
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0, 5.0], "b": [1.0, 0.0, 2.0, 1.0], "y": [3.0, 4.0, 8.0, 11.0]})
    x, y = frame[["a", "b"]], frame[["y"]]
    table, rows = pa.Table.from_pandas(x), x.to_numpy().tolist()
    kinds = [(x, y), (x.to_numpy(), y.to_numpy()), (table, pa.Table.from_pandas(y)), (rows, y)]
    for version, (data, target) in enumerate(kinds, start=1):
        fit = descent.train(data, target, model="one-column", sample_weight=target)
        found = descent.prediction(data, model="one-column")
        assert (fit["n"], found.model, found.version) == (4, "one-column", version)


def test_a_series_is_one_row_or_one_column(descent):
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0, 5.0], "b": [1.0, 0.0, 2.0, 1.0]}, index=list("pqrs"))
    descent.train(frame, [3, 4, 8, 11], model="series-two")
    predicted = descent.predict(frame, model="series-two")
    for row in (frame.loc["r"], frame.reset_index(drop=True).iloc[2], pd.Series({"b": 2, "a": 3})):
        assert descent.predict(row, model="series-two") == predicted["r"]
    descent.train(frame["a"], [3, 4, 8, 11], model="series-one")
    expected = descent.predict(frame[["a"]], model="series-one")
    pd.testing.assert_series_equal(descent.predict(frame["a"], model="series-one"), expected)
    missing = frame["a"].where(frame["a"] > 1)
    with pytest.raises(Problem) as raised:
        descent.predict(missing, model="series-one")
    assert raised.value.errors[0]["pointer"] == "/x/a/0"


def test_a_long_array_is_trained_on(descent):
    x = np.arange(400_000.0)
    fit = descent.train(x, 2 * x + 1, model="long")
    assert fit["n"] == 400_000
    assert fit["b"] == pytest.approx(1)


def test_a_refusal_is_a_problem_with_its_members(descent):
    with pytest.raises(Problem) as raised:
        descent.train([1, 2, 3], [1, 2, 3], model="problem", learning_rate=50, standardize=False)
    assert raised.value.type == "urn:descent:problem:diverging-learning-rate"
    assert raised.value.errors[0]["pointer"] == "/learning_rate"
    assert raised.value.members["largest_stable_learning_rate"] > 0


def test_an_append_inherits_options_that_are_not_given_and_a_word_resets_them(descent):
    descent.train([1, 2, 4], [1, 2, 3], model="inherits", epochs=2, l2=0.5, standardize=True)
    inherited = descent.train(np.array([5.0, 6.0]), np.array([4.0, 5.0]), model="inherits", append=True)
    assert (inherited["epochs"], inherited["options"]["l2"], inherited["n"]) == (2, 0.5, 5)
    replaced = descent.train(np.array([7.0]), np.array([6.0]), model="inherits", append=True, epochs="converged", l2=0)
    assert (replaced["converged"], replaced["options"]["epochs"], replaced["options"]["l2"]) == (True, "converged", 0)


def test_models_and_versions_are_listed(descent):
    descent.train([1, 2], [1, 2], model="listed-a")
    descent.train([1, 2], [1, 2], model="listed-b")
    descent.train([1, 2], [1, 3], model="listed-b")
    assert [each["model"] for each in descent.models("listed-")] == ["listed-a", "listed-b"]
    assert [(each["version"], each["serving"], each["n"]) for each in descent.versions("listed-b")] == [
        (2, True, 2),
        (1, False, 2),
    ]
    assert descent.version("listed-a")["version"] == 1
    assert descent.history("listed-a", 1)["epoch"][0] == 0
    assert descent.artifact("listed-a")[:2] == b"PK"
    assert descent.service_version()


def test_a_stopped_service_is_reported_at_once(new_service):
    service = new_service(DESCENT_WORKERS="1")
    with Client(service.url) as client:
        client.train([1, 2], [1, 2])
        service.kill()
        with pytest.raises(Unreachable, match=f"^{service.url} refused the connection"):
            client.predict([3])
        service.start()
        assert client.predict([3]) == [pytest.approx(3)]


@pytest.mark.parametrize(
    ("route", "method", "file_method"),
    [
        ("train", Client.train, Client.train_file),
        ("predict", Client.prediction, Client.predict_file),
        ("evaluate", Client.evaluate, Client.evaluate_file),
        ("/models:train", Client.train, Client.train_file),
        ("/models:predict", Client.prediction, Client.predict_file),
    ],
)
def test_every_option_in_the_openapi_document_is_a_parameter(client, route, method, file_method):
    document = client.get("/openapi.json").json()
    operation = document["paths"][route if route[0] == "/" else f"/models/{{model}}/{route}"]["post"]
    query = {each["name"] for each in operation["parameters"] if each["in"] == "query"}
    reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    body = document["components"]["schemas"][reference.rsplit("/", 1)[1]]["properties"]
    assert "missing" in query & set(body)
    assert query <= set(inspect.signature(file_method).parameters)
    assert set(body) <= set(inspect.signature(method).parameters)


READINGS = pd.DataFrame({
    "sensor": ["b", "a", "b", "a", "a", "b", "c"], "volts": [1.0, 1.0, 2.0, 3.0, 4.0, 5.0, 1.0],
    "pressure": [4.0, 10.0, 7.0, 31.0, 40.0, 17.0, 2.0],
}, index=list("pqrstuv"))  # fmt: skip


@pytest.mark.parametrize("kind", ["frame", "categories", "table", "array", "list"])
def test_every_kind_of_data_is_trained_and_predicted_by_group(descent, kind):
    volts, labels, pressure = READINGS[["volts"]], READINGS["sensor"], READINGS[["pressure"]]
    x, group = {
        "frame": (volts, labels),
        "categories": (volts.assign(sensor=labels.astype("category")), "sensor"),
        "table": (pa.Table.from_pandas(READINGS[["volts", "sensor"]]), "sensor"),
        "array": (volts.to_numpy(), labels.to_numpy()),
        "list": (volts["volts"].tolist(), labels.tolist()),
    }[kind]
    prefix = f"kind-{kind}-"
    results = descent.train(x, pressure, group=group, prefix=prefix)["results"]
    assert [(each["group"], each["n"]) for each in results] == [("b", 3), ("a", 3), ("c", 1)]
    descent.delete(f"{prefix}c")
    found = descent.prediction(x, group=group, prefix=prefix, interval=0.9)
    assert list(found.failed_groups) == ["c"]
    assert found.failed_groups["c"].status == 404
    y = found.y.to_pylist() if kind == "table" else list(found.y)
    assert [value is None or np.isnan(value) for value in y] == [label == "c" for label in labels]
    for label in ("a", "b"):
        alone = descent.prediction(volts[labels == label], model=prefix + label, interval=0.9)
        assert [value for value, other in zip(y, labels, strict=True) if other == label] == alone.y.tolist()


def test_files_are_trained_and_predicted_by_group(descent, tmp_path):
    path = tmp_path / "readings.csv"
    READINGS.to_csv(path, index=False)
    results = descent.train_file(path, y="pressure", group="sensor", prefix="file-")["results"]
    assert [each["model"] for each in results] == ["file-b", "file-a", "file-c"]
    descent.delete("file-c")
    pieces = descent.predict_file(path, group="sensor", prefix="file-", accept="text/csv")
    found = pd.read_csv(io.BytesIO(b"".join(pieces)))
    assert pieces.failed_groups == {"count": 1, "names": ["c"]}
    expected = descent.predict(READINGS, group="sensor", prefix="file-")
    assert list(expected.index) == list(READINGS.index)
    np.testing.assert_array_equal(found["y"], expected)
