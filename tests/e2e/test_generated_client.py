"""A client that openapi-python-client generates from /openapi.json, and the habits of other generators."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

MODEL = "generated"
XY = {"x": [1.0, 2.0, 3.0, 4.0], "y": [2.1, 3.9, 6.2, 7.8]}


@pytest.fixture(scope="module")
def document(client):
    return client.get("/openapi.json").json()


@pytest.fixture(scope="module")
def generated(document, tmp_path_factory):
    """Return a function that imports a module of the generated client."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_text(json.dumps(document))
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # it formats with ruff
    options = ("--path", "openapi.json", "--meta", "none", "--output-path", "generated")
    command = ["openapi-python-client", "generate", *options]
    subprocess.run(command, cwd=folder, env={**os.environ, "PATH": path}, check=True, capture_output=True)
    sys.path.insert(0, str(folder))
    yield lambda name: importlib.import_module(f"generated.{name}")
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def connection(generated, service):
    with generated("client").Client(
        base_url=service.url, raise_on_unexpected_status=True, timeout=httpx.Timeout(60)
    ) as opened:
        yield opened


@pytest.fixture(scope="module")
def trained(generated, connection):
    """Train a ridge model without an intercept, and append to it."""
    train_model = generated("api.train.train_model")
    request = generated("models.train_request").TrainRequest
    first = train_model.sync(MODEL, client=connection, body=request(**XY, l2=0.5, fit_intercept=False))
    second = train_model.sync(MODEL, client=connection, body=request(x=[5.0], y=[10.1], append=True))
    return first, second


def test_an_append_inherits_what_the_client_does_not_set(trained):
    first, second = trained
    assert (first.version, second.version) == (1, 2)
    assert (second.n, second.options["l2"], second.options["fit_intercept"], second.b) == (5, 0.5, False, 0)


def test_options_can_be_arguments_of_the_query(generated, connection, trained):
    request = generated("models.train_request").TrainRequest
    fit = generated("api.train.train_model").sync(
        "by-query", client=connection, body=request(**XY), epochs="converged", l2=0.5, fit_intercept=False
    )
    assert fit.w == pytest.approx(trained[0].w)


def test_it_predicts_evaluates_and_infers(generated, connection, trained, client):
    body = generated("models.predict_request").PredictRequest(x=[5.0, 6.0], explain=True)
    prediction = generated("api.predict.predict_model").sync(MODEL, client=connection, body=body)
    expected = client.post(f"/models/{MODEL}/predict", json={"x": [5, 6]}).json()["y"]
    assert prediction.y == expected
    body = generated("models.evaluate_request").EvaluateRequest(**XY)
    evaluation = generated("api.predict.evaluate_model").sync(MODEL, client=connection, body=body)
    assert (evaluation.n, evaluation.version) == (4, 2)

    tensors = generated("models")
    tensor = tensors.InferRequestInputsItem(
        name="INPUT__0", datatype=tensors.InferRequestInputsItemDatatype.FP64, shape=[2, 1], data=[5.0, 6.0]
    )
    infer = generated("api.open_inference_protocol.infer")
    inferred = infer.sync(MODEL, client=connection, body=tensors.InferRequest(inputs=[tensor]))
    assert inferred.outputs[0].data == expected


def test_it_trains_and_predicts_groups_and_lists_models(generated, connection):
    models = generated("models")
    body = models.GroupTrainRequest(
        x=[0.0, 1.0, 0.0, 1.0], y=[0.0, 1.0, 5.0, 7.0], group=["a", "a", "b", "b"], prefix="g-"
    )
    results = generated("api.train.train_groups").sync(client=connection, body=body).results
    assert [(each.group, each.w) for each in results] == [("a", pytest.approx(1)), ("b", pytest.approx(2))]
    body = models.GroupPredictRequest(x=[2.0, 2.0], group=["a", "b"], prefix="g-")
    results = generated("api.predict.predict_groups").sync(client=connection, body=body).results
    assert [each.y for each in results] == [[pytest.approx(2)], [pytest.approx(9)]]
    listed = generated("api.models.list_models").sync(client=connection, prefix="g-")
    assert [model.model for model in listed.models] == ["g-a", "g-b"]


def test_a_refusal_is_a_problem(generated, connection, trained):
    body = generated("models.predict_request").PredictRequest(x=[[1.0, 2.0]])
    problem = generated("api.predict.predict_model").sync(MODEL, client=connection, body=body)
    assert (problem.status, problem.errors[0].pointer) == (422, "/x")


def requests_with(document, fill):
    """Yield the path of each main call, its body, and its body with what a generator adds, which `fill` returns."""
    bodies = {
        "/models/{model}/train": XY,
        "/models/{model}/predict": {"x": [5.0]},
        "/models/{model}/evaluate": XY,
        "/models:train": XY | {"group": ["a", "a", "b", "b"], "prefix": "habits-"},
        "/models:predict": {"x": [5.0], "group": ["a"], "prefix": "habits-"},
        "/v2/models/{model}/infer": {
            "inputs": [{"name": "INPUT__0", "datatype": "FP64", "shape": [1, 1], "data": [5.0]}]
        },
        "/invocations": {"instances": [5.0]},
    }
    for path, body in bodies.items():
        content = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        schema = document["components"]["schemas"][content["schema"]["$ref"].rsplit("/", 1)[-1]]
        yield path, body, {**fill(schema["properties"]), **body}


def nulls(properties):
    """openapi-generator's Java and C# clients send null for what is not set."""
    return dict.fromkeys(properties)


def defaults(properties):
    """openapi-generator's Python client sends declared defaults."""
    return {name: schema["default"] for name, schema in properties.items() if "default" in schema}


@pytest.mark.parametrize("fill", [nulls, defaults])
def test_what_other_generators_send_changes_nothing(document, client, fill):
    model = f"habits-{fill.__name__}"
    assert client.post(f"/models/{model}/train", json=XY | {"l2": 0.5}).status_code == httpx.codes.CREATED
    for path, given, body in requests_with(document, fill):
        url = path.replace("{model}", model) + (f"?model={model}" if path == "/invocations" else "")
        response = client.post(url, json=body)
        assert response.is_success, (path, response.text)
        if "train" not in path:
            assert response.json() == client.post(url, json=given).json()
    appended = {"x": [5.0], "y": [10.1], "append": True}
    filled = fill(document["components"]["schemas"]["TrainRequest"]["properties"])
    assert client.post(f"/models/{model}/train", json=XY | {"l2": 0.5}).status_code == httpx.codes.CREATED
    fit = client.post(f"/models/{model}/train", json=filled | appended).json()
    assert (fit["options"]["l2"], fit["n"]) == (0.5, 5)
