"""The client against the real server. Of the package these tests import the client alone, which imports nothing of the
rest."""

import threading

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from descent import Client, Problem


@pytest.fixture
def descent(service):
    with Client(service.url) as client:
        yield client


def test_every_kind_of_data_trains_the_same_line_and_comes_back_as_it_was(descent):
    generator = np.random.default_rng(5)
    x = generator.normal(size=(50, 2))
    y = x @ [2.0, -1.0] + generator.normal(size=50)
    weight = generator.uniform(0.5, 2, size=50)
    frame = pd.DataFrame(x, columns=["a", "b"], index=np.arange(50) * 2)
    table = pa.table({"a": x[:, 0], "b": x[:, 1]})
    for sample_weight in (None, weight):
        lines = []
        for data in (x, frame, table, x.tolist()):
            fit = descent.train(data, y, model="kinds", sample_weight=sample_weight)
            w = fit["w"]
            lines.append([*(w.values() if isinstance(w, dict) else w), fit["b"]])
        assert lines[1:] == lines[:-1]
    predicted = [descent.predict(data, model="kinds") for data in (x, frame, table, x.tolist())]
    assert [type(each) for each in predicted[:2]] == [np.ndarray, pd.Series]
    assert isinstance(predicted[2], pa.Array)
    assert list(predicted[1].index) == list(frame.index)
    assert predicted[0].tolist() == predicted[1].tolist() == predicted[2].to_pylist() == predicted[3]


def test_a_long_array_is_trained_on_whatever_the_service_reads(descent):
    x = np.arange(400_000.0)
    fit = descent.train(x, 2 * x + 1, model="long")
    assert fit["n"] == 400_000
    assert fit["b"] == pytest.approx(1)


def test_a_refusal_is_a_problem_with_its_fields(descent):
    with pytest.raises(Problem) as raised:
        descent.train([1, 2, 3], [1, 2, 3], model="problem", learning_rate=50, standardize=False)
    assert raised.value.type == "urn:descent:problem:diverging-learning-rate"
    assert raised.value.errors[0]["pointer"] == "/learning_rate"
    assert raised.value.members["largest_stable_learning_rate"] > 0


def test_models_are_seen(descent):
    descent.train([1, 2], [1, 2], model="seen-a")
    descent.train([1, 2], [1, 2], model="seen-b")
    assert [each["model"] for each in descent.models("seen-")] == ["seen-a", "seen-b"]
    assert descent.version("seen-a")["version"] == 1
    assert descent.history("seen-a", 1)["epoch"][0] == 0
    assert descent.artifact("seen-a")[:2] == b"PK"
    assert descent.release()


def test_a_client_waits_for_a_service_that_starts_again(new_service):
    service = new_service(DESCENT_WORKERS="1")
    with Client(service.url, retries=8) as client:
        client.train([1, 2], [1, 2])
        service.kill()
        starting = threading.Thread(target=service.start)
        starting.start()
        assert client.predict([3]) == [pytest.approx(3)]
        starting.join()
