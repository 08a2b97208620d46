"""The Open Inference Protocol, checked with Triton's client."""

import asyncio

import numpy as np
import pytest
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from tritonclient.utils import InferenceServerException

X = np.array([[1.0, 2.0], [3.0, 4.5], [-1.0, 0.25]])


@pytest.fixture(scope="module")
def model(client):
    """Train a model of two columns and return what /predict answers for X."""
    rows = {"x": [[0, 1], [1, 1], [2, 5], [4, 3]], "y": [1, 2, 3, 5]}
    for _ in range(2):
        assert client.post("/models/v2/train", json=rows).status_code == 201
    return client.post("/models/v2/predict", json={"x": X.tolist()}).json()["y"]


@pytest.fixture
def server(service):
    with triton.InferenceServerClient(f"127.0.0.1:{service.port}") as opened:
        yield opened


def make_input(kind="FP64", binary=True):
    values = X.astype({"FP64": np.float64, "FP32": np.float32, "INT32": np.int32, "FP16": np.float16}[kind])
    tensor = triton.InferInput("INPUT__0", list(X.shape), kind)
    tensor.set_data_from_numpy(values, binary_data=binary)
    return values.astype(float), tensor


def test_health_and_metadata_can_be_read(server, model):
    assert server.is_server_live()
    assert server.is_server_ready()
    assert server.is_model_ready("v2")
    assert server.is_model_ready("v2", "1")
    assert not server.is_model_ready("none")
    assert not server.is_model_ready("v2", "9")
    found = server.get_server_metadata()
    assert found["name"] == "descent"
    assert "binary_tensor_data" in found["extensions"]
    for version in ("", "2"):
        assert server.get_model_metadata("v2", version) == {
            "name": "v2",
            "versions": ["1", "2"],
            "platform": "pytorch_torchscript",
            "inputs": [
                {"name": "INPUT__0", "datatype": "FP64", "shape": [-1, 2], "parameters": {"columns": ["x0", "x1"]}}
            ],
            "outputs": [{"name": "OUTPUT__0", "datatype": "FP64", "shape": [-1]}],
        }


def test_the_index_lists_the_serving_version(server, model):
    listed = {each["name"]: each for each in server.get_model_repository_index()}
    assert listed["v2"] == {"name": "v2", "version": "2", "state": "READY", "reason": ""}


def test_tensors_are_binary_by_default(server, model):
    _, tensor = make_input()
    answer = server.infer("v2", [tensor], request_id="seven")
    assert answer.as_numpy("OUTPUT__0").tolist() == model
    response = answer.get_response()
    assert (response["id"], response["model_name"], response["model_version"]) == ("seven", "v2", "2")
    assert response["outputs"][0]["parameters"] == {"binary_data_size": 24}


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False])
@pytest.mark.parametrize("compression", [None, "gzip", "deflate"])
def test_json_binary_and_compressed_tensors_give_the_same_predictions(
    server, model, binary_in, binary_out, compression
):
    _, tensor = make_input(binary=binary_in)
    output = triton.InferRequestedOutput("OUTPUT__0", binary_data=binary_out)
    answer = server.infer(
        "v2",
        [tensor],
        "1",
        outputs=[output],
        request_compression_algorithm=compression,
        response_compression_algorithm=compression,
    )
    assert answer.as_numpy("OUTPUT__0").tolist() == model
    assert ("data" in answer.get_output("OUTPUT__0")) is not binary_out


def test_a_large_response_is_compressed(server, model):
    tensor = triton.InferInput("INPUT__0", [5000, 2], "FP64")
    tensor.set_data_from_numpy(np.ones((5000, 2)))
    answer = server.infer("v2", [tensor], response_compression_algorithm="gzip")
    assert len(set(answer.as_numpy("OUTPUT__0").tolist())) == 1


@pytest.mark.parametrize(
    ("kind", "binary"), [("FP32", True), ("FP32", False), ("INT32", True), ("INT32", False), ("FP16", True)]
)
def test_other_datatypes_are_accepted(server, client, model, kind, binary):
    values, tensor = make_input(kind, binary)
    expected = client.post("/models/v2/predict", json={"x": values.tolist()}).json()["y"]
    assert server.infer("v2", [tensor]).as_numpy("OUTPUT__0").tolist() == expected


def test_the_asynchronous_client_works(service, model):
    async def infer():
        async with triton_aio.InferenceServerClient(f"127.0.0.1:{service.port}") as opened:
            assert await opened.is_server_ready()
            assert (await opened.get_model_repository_index())[-1]["state"] == "READY"
            answer = await opened.infer("v2", [make_input()[1]], request_compression_algorithm="gzip")
            return answer.as_numpy("OUTPUT__0").tolist()

    assert asyncio.run(infer()) == model


def test_errors_reach_the_client(server, model):
    with pytest.raises(InferenceServerException, match="Model 'none' does not exist"):
        server.infer("none", [make_input()[1]])
    with pytest.raises(InferenceServerException, match="Model 'none' does not exist"):
        server.get_model_metadata("none")
    wrong = triton.InferInput("INPUT", [1, 2], "FP64")
    wrong.set_data_from_numpy(np.ones((1, 2)))
    with pytest.raises(InferenceServerException, match="INPUT__0"):
        server.infer("v2", [wrong])
    wide = triton.InferInput("INPUT__0", [1, 3], "FP64")
    wide.set_data_from_numpy(np.ones((1, 3)))
    with pytest.raises(InferenceServerException, match="3 per row, but the model has 2 columns"):
        server.infer("v2", [wide])
    with pytest.raises(InferenceServerException, match="OUTPUT__0"):
        server.infer("v2", [make_input()[1]], outputs=[triton.InferRequestedOutput("other")])
