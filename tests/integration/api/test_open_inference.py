"""The Open Inference Protocol, in process. Its clients are in tests/e2e."""

import json
import zlib

import numpy as np
import pytest

X = np.array([[1.0, 2.0], [3.0, 4.5], [-1.0, 0.25]])


@pytest.fixture(scope="module")
def model(http):
    """Train a model of two columns, and return its predictions by the service's own call."""
    rows = {"x": [[0, 1], [1, 1], [2, 5], [4, 3]], "y": [1, 2, 3, 5]}
    for _ in range(2):
        assert http.post("/models/v2/train", json=rows).status_code == 201
    return http.post("/models/v2/predict", json={"x": X.tolist()}).json()["y"]


def test_health_metadata_and_index(http, model):
    assert http.get("/v2/health/live").json() == {"live": True}
    assert http.get("/v2/health/ready").json() == {"ready": True}
    assert http.get("/v2").json()["name"] == "descent"
    assert http.get("/v2/models/v2/ready").json() == {"name": "v2", "ready": True}
    assert http.get("/v2/models/v2/versions/1").json()["versions"] == ["1", "2"]
    listed = {"name": "v2", "version": "2", "state": "READY", "reason": ""}
    assert listed in http.post("/v2/repository/index").json()


def test_requests_and_responses_can_have_binary_tensors(http, model):
    parameters = {"binary_data_size": X.nbytes}
    tensor_request = {"inputs": [{"name": "INPUT__0", "datatype": "FP64", "shape": [3, 2], "parameters": parameters}]}
    head = json.dumps(tensor_request | {"parameters": {"binary_data_output": True}}).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    response = http.post("/v2/models/v2/infer", content=head + X.tobytes(), headers=headers)
    length = int(response.headers["Inference-Header-Content-Length"])
    assert np.frombuffer(response.content[length:]).tolist() == model
    outputs = [{"name": "OUTPUT__0", "parameters": {"binary_data": False}}]
    head = json.dumps(tensor_request | {"outputs": outputs}).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    response = http.post("/v2/models/v2/infer", content=head + X.tobytes(), headers=headers)
    assert response.json()["outputs"][0]["data"] == model


TENSOR = {"name": "INPUT__0", "datatype": "FP64", "shape": [2, 2]}


@pytest.mark.parametrize("data", [[1, 2, 3, 4.5], [[1, 2], [3, 4.5]]])
def test_data_can_be_flat_or_nested_without_a_media_type(http, model, data):
    body = json.dumps({"id": "a", "inputs": [TENSOR | {"data": data}]})
    response = http.post("/v2/models/v2/versions/1/infer", content=body)
    assert response.json() == {
        "model_name": "v2",
        "model_version": "1",
        "id": "a",
        "outputs": [{"name": "OUTPUT__0", "datatype": "FP64", "shape": [2], "data": model[:2]}],
    }


@pytest.mark.parametrize(
    ("datatype", "data", "at"),
    [
        ("INT32", [1, 2, 1.5, 2], 2),
        ("UINT8", [0, 255, 300, -2], 2),
        ("UINT8", [[0, -2], [1, 2]], 1),
        ("INT64", [1, 2, 3, 2**63], 3),
        ("UINT64", [2**64, 1, 2, 3], 0),
    ],
)
def test_numbers_outside_the_range_of_their_datatype_are_rejected(http, model, datatype, data, at):
    response = http.post("/v2/models/v2/infer", json={"inputs": [TENSOR | {"datatype": datatype, "data": data}]})
    assert response.status_code == 400
    assert f"/inputs/0/data/{at}: is " in response.json()["error"]
    assert f"which is not of type {datatype}; send whole numbers from" in response.json()["error"]


@pytest.mark.parametrize("datatype", ["INT8", "UINT8", "INT64", "UINT64", "FP16"])
def test_whole_numbers_can_have_every_datatype(http, model, datatype):
    x = [[1, 2.0], [3, 127]]
    predicted = http.post("/v2/models/v2/infer", json={"inputs": [TENSOR | {"data": x}]}).json()
    found = http.post("/v2/models/v2/infer", json={"inputs": [TENSOR | {"datatype": datatype, "data": x}]})
    assert found.json() == predicted


def test_a_body_can_be_the_tensor_alone(http, model):
    response = http.post("/v2/models/v2/infer", content=X.tobytes(), headers={"Inference-Header-Content-Length": "0"})
    length = int(response.headers["Inference-Header-Content-Length"])
    assert np.frombuffer(response.content[length:]).tolist() == model


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (b"{", {}, "not JSON"),
        (b"[]", {}, "not an object"),
        (b"{}", {}, "/inputs"),
        (b'{"inputs": []}', {}, "a list of tensors"),
        (json.dumps({"inputs": [TENSOR | {"data": [1, 2, 3, 4]}] * 2}), {}, "/inputs/0/shape: is [2, 2]; send [2] or"),
        (json.dumps({"inputs": [TENSOR]}), {}, "not a list of numbers"),
        (json.dumps({"inputs": [TENSOR | {"data": [1, 2, 3]}]}), {}, "has 3 numbers"),
        (json.dumps({"inputs": [TENSOR | {"data": [1, 2, 3, "4"]}]}), {}, '/inputs/0/data/3: "4" is not a number'),
        (json.dumps({"inputs": [TENSOR | {"data": [1, 2, 3, None]}]}), {}, "is null"),
        (json.dumps({"inputs": [TENSOR | {"data": [[1, 2], 3, 4]}]}), {}, "nested otherwise than the shape [2, 2]"),
        (json.dumps({"inputs": [TENSOR | {"data": [[1, 2, 3, 4]]}]}), {}, "nested otherwise"),
        (json.dumps({"inputs": [TENSOR | {"data": [[1], [2], [3], [4]]}]}), {}, "nested otherwise"),
        (json.dumps({"inputs": [TENSOR | {"data": [[[1, 2], [3, 4]]]}]}), {}, "nested otherwise"),
        (json.dumps({"inputs": [TENSOR | {"shape": [4], "data": [[1, 2], [3, 4]]}]}), {}, "nested otherwise"),
        (json.dumps({"inputs": [TENSOR | {"shape": [2, 0], "data": []}]}), {}, "shape"),
        (json.dumps({"inputs": [TENSOR | {"data": [1, 2, 3, 1e200]}]}), {}, "1e150"),
        (json.dumps({"inputs": [TENSOR | {"datatype": "FP32", "data": [1, 2, 3, 1e100]}]}), {}, "is not a finite"),
        (
            json.dumps({"inputs": [TENSOR | {"datatype": "BOOL", "data": [True, False, 2, True]}]}),
            {},
            "/data/2: is 2, ",
        ),
        (json.dumps({"inputs": [TENSOR | {"datatype": "BYTES", "data": [1, 2, 3, 4]}]}), {}, "FP64"),
        (json.dumps({"inputs": [TENSOR | {"shape": [2, -2], "data": []}]}), {}, "shape"),
        (json.dumps({"inputs": [TENSOR | {"shape": "2", "data": []}]}), {}, "shape"),
        (json.dumps({"id": 7, "inputs": [TENSOR | {"data": [1, 2, 3, 4]}]}), {}, "/id"),
        (json.dumps({"outputs": 7, "inputs": [TENSOR | {"data": [1, 2, 3, 4]}]}), {}, "/outputs/0"),
        (b"{}", {"Inference-Header-Content-Length": "9"}, "has 2 bytes"),
        (b"{}", {"Inference-Header-Content-Length": "-1"}, "is '-1'; give the number of bytes"),
        (b"1234567", {"Inference-Header-Content-Length": "0"}, "has 7 bytes"),
        (b"", {"Inference-Header-Content-Length": "0"}, "has 0 bytes"),
        (zlib.compress(b"{}")[:-3], {"Content-Encoding": "deflate"}, "cannot be decompressed"),
    ],
)
def test_errors_have_the_format_of_the_protocol(http, model, body, headers, expected):
    response = http.post("/v2/models/v2/infer", content=body, headers=headers)
    assert response.status_code == 400, response.text
    assert list(response.json()) == ["error"]
    assert expected in response.json()["error"]


def test_a_wrong_size_of_binary_data_is_rejected(http, model):
    for size, tail in ((32, b""), (8, X.tobytes()), (None, b"1234")):
        tensor = TENSOR | ({"parameters": {"binary_data_size": size}} if size else {})
        head = json.dumps({"inputs": [tensor]}).encode()
        headers = {"Inference-Header-Content-Length": str(len(head))}
        response = http.post("/v2/models/v2/infer", content=head + tail, headers=headers)
        assert (response.status_code, list(response.json())) == (400, ["error"])


@pytest.fixture(scope="module")
def houses(http):
    """Train a model of named columns and return its predictions for HOUSES."""
    x = {"area": [50, 80, 120, 90, 60], "rooms": [2, 3, 3, 4, 1], "new": [0, 1, 1, 0, 0]}
    assert http.post("/models/houses/train", json={"x": x, "y": [200, 310, 420, 300, 190]}).status_code == 201
    return http.post("/models/houses/predict", json={"x": HOUSES}).json()["y"]


HOUSES = {"area": [100.5, 70.0], "rooms": [3, 2], "new": [1, 0]}
COLUMNS = [
    {"name": "rooms", "datatype": "INT64", "shape": [2], "data": [3, 2]},
    {"name": "new", "datatype": "BOOL", "shape": [2, 1], "data": [True, False]},
    {"name": "area", "datatype": "FP64", "shape": [2, 1], "data": [[100.5], [70.0]]},
]


def inferred(http, model, inputs, **more):
    return http.post(f"/v2/models/{model}/infer", json={"inputs": inputs, **more})


def test_a_tensor_for_each_column_is_matched_by_name(http, houses):
    response = inferred(http, "houses", COLUMNS, id=None, parameters={"content_type": "pd"}, outputs=None)
    assert response.json()["outputs"][0]["data"] == houses
    assert "id" not in response.json()


def test_tensors_of_columns_can_be_binary(http, houses):
    values = {"rooms": np.array([3, 2], "<i8"), "new": np.array([True, False]), "area": np.array([100.5, 70.0])}
    inputs = [
        {**{key: each[key] for key in ("name", "datatype", "shape")}, "parameters": {"binary_data_size": data.nbytes}}
        for each, data in zip(COLUMNS, values.values(), strict=True)
    ]
    head = json.dumps({"inputs": inputs}).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    content = head + b"".join(data.tobytes() for data in values.values())
    assert http.post("/v2/models/houses/infer", content=content, headers=headers).json()["outputs"][0]["data"] == houses
    for wrong in (content + b"1", content[:-1]):
        assert http.post("/v2/models/houses/infer", content=wrong, headers=headers).status_code == 400


def test_metadata_lists_the_names_of_columns_in_order(http, houses):
    [tensor] = http.get("/v2/models/houses").json()["inputs"]
    columns = ["area", "rooms", "new"]
    assert tensor == {"name": "INPUT__0", "datatype": "FP64", "shape": [-1, 3], "parameters": {"columns": columns}}


def test_columns_of_a_model_without_names_are_matched_by_their_default_names(http, model):
    first, second = ({"name": f"x{i}", "datatype": "FP64", "shape": [3], "data": X[:, i].tolist()} for i in range(2))
    assert inferred(http, "v2", [second, first]).json()["outputs"][0]["data"] == model


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (COLUMNS[:2], "/inputs: column 'area' is missing"),
        ([COLUMNS[0], COLUMNS[0]], "/inputs/1/name: has the name of an earlier input"),
        ([COLUMNS[0], COLUMNS[1] | {"shape": [1], "data": [True]}], "/inputs/1/shape: is [1]; send [2]"),
        ([COLUMNS[0] | {"name": None}], "/inputs/0/name: is not text"),
        ([COLUMNS[0] | {"name": ["rooms"]}], "/inputs/0/name: is not text"),
        ([COLUMNS[0] | {"name": {"rooms": 1}}], "/inputs/0/name: is not text"),
        ([*COLUMNS[:2], COLUMNS[2] | {"data": [1, "two"]}], '/inputs/2/data/1: "two" is not a number'),
        ([COLUMNS[0] | {"name": "other"}], "column 'area' is missing"),
    ],
)
def test_wrong_columns_are_rejected(http, houses, inputs, expected):
    response = inferred(http, "houses", inputs)
    assert response.status_code == 400
    assert expected in response.json()["error"]


def test_no_rows_have_no_predictions(http, model, houses):
    tensor = TENSOR | {"shape": [0, 2], "data": []}
    assert inferred(http, "v2", [tensor]).json()["outputs"] == [
        {"name": "OUTPUT__0", "datatype": "FP64", "shape": [0], "data": []}
    ]
    empty = [column | {"shape": [0], "data": []} for column in COLUMNS]
    assert inferred(http, "houses", empty).json()["outputs"][0]["data"] == []


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v2/nothing", 404), ("POST", "/v2", 405)])
def test_unknown_paths_and_methods_have_the_format_of_the_protocol(http, method, path, status):
    response = http.request(method, path)
    assert (response.status_code, list(response.json())) == (status, ["error"])


def test_inferences_are_counted_as_predictions(http, model):
    def counted():
        text = http.get("/metrics").text
        found = [line for line in text.splitlines() if line.startswith('descent_predicted_rows_total{model="v2"}')]
        return float(found[0].split()[-1])

    before = counted()
    http.post("/v2/models/v2/infer", json={"inputs": [TENSOR | {"data": [1, 2, 3, 4]}]})
    assert counted() == before + 2
