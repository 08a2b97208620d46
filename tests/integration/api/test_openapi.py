"""The OpenAPI document is valid and complete, and its examples get the documented responses."""

import json

import pytest
import table_bodies
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from service.api.http import problems
from service.app import create_app
from service.errors import PublishContention

BYTES = {*table_bodies.COLUMNAR, table_bodies.NPY}


@pytest.fixture
def document(client):
    return client.get("/openapi.json").json


def test_the_document_is_valid(document):
    validate(document)
    assert document["openapi"].startswith("3.1")


def test_every_route_is_described(document, settings):
    app = create_app(settings)
    own = [rule for rule in app.url_map.iter_rules() if rule.rule != "/" and not rule.rule.startswith("/docs")]
    described = sum(len(operations) for operations in document["paths"].values())
    assert described == sum(len(rule.methods - {"HEAD", "OPTIONS"}) for rule in own)


def nodes(value, at=""):
    """Yield every object in a JSON value, with its pointer."""
    if isinstance(value, dict):
        yield at, value
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield from nodes(part, f"{at}/{name}")


def documented_parts(document):
    """Yield every part that needs a description, with its pointer."""
    yield from ((f"tag {tag['name']}", tag) for tag in document["tags"])
    for at, node in nodes(document):
        if isinstance(node.get("parameters"), list):
            yield from ((f"{at}: parameter {parameter['name']}", parameter) for parameter in node["parameters"])
        for kind in ("properties", "headers"):
            yield from ((f"{at}/{kind}/{name}", part) for name, part in node.get(kind, {}).items())


def test_every_parameter_header_field_and_tag_has_a_description(document):
    found = list(documented_parts(document))
    assert len(found) > 300
    assert [at for at, part in found if not part.get("description", "").endswith(".")] == []


def all_operations(document):
    return [(f"{m} {path}", each) for path, methods in document["paths"].items() for m, each in methods.items()]


def test_every_operation_has_a_summary_and_a_described_tag(document):
    tags = {tag["name"] for tag in document["tags"]}
    for name, operation in all_operations(document):
        assert operation["summary"][0].isupper(), name
        assert set(operation["tags"]) <= tags, name
    assert {tag for _, operation in all_operations(document) for tag in operation["tags"]} == tags


def test_options_that_an_append_inherits_have_no_default(document):
    options = document["components"]["schemas"]["TrainRequest"]["properties"]
    inherited = ("method", "learning_rate", "epochs", "initial", "seed", "standardize", "fit_intercept", "l2")
    assert not [name for name in inherited if "default" in options[name]]
    assert options["append"]["default"] is False


def test_options_have_no_default_in_a_query_and_are_those_of_the_body(document):
    body = document["components"]["schemas"]["TrainRequest"]["properties"]
    query = {
        parameter["name"]: parameter["schema"]
        for parameter in document["paths"]["/train"]["post"]["parameters"]
        if parameter["in"] == "query"
    }
    assert [name for name, schema in query.items() if "default" in schema] == ["model"]
    assert query.keys() - body.keys() == {"model", "weight", "delimiter", "decimal", "thousands"}


def test_arrays_have_items_and_operations_short_ids(document):
    def arrays(node):
        if isinstance(node, dict):
            if node.get("type") == "array" or "array" in (node.get("type") or ()):
                yield node
            node = list(node.values())
        if isinstance(node, list):
            for each in node:
                yield from arrays(each)

    assert all("items" in array for array in arrays(document))
    ids = [operation["operationId"] for _, operation in all_operations(document)]
    assert len(set(ids)) == len(ids)
    assert {"train", "train_model", "predict_model", "evaluate_model", "infer", "list_models", "pin"} <= set(ids)


def test_probes_ignore_their_query_and_document_no_error_for_it(client, document):
    for path in ("/livez", "/version", "/metrics", "/openapi.json", "/v2", "/v2/health/live"):
        assert client.get(f"{path}?a=1&a=2").status_code == 200
        assert set(document["paths"][path]["get"]["responses"]) == {"200"}
    for path in ("/readyz", "/v2/health/ready"):
        assert client.get(f"{path}?a=1&a=2").status_code == 200
        assert set(document["paths"][path]["get"]["responses"]) == {"200", "503"}


def test_exactly_the_documented_responses_are_conditional(client, document):
    client.post("/train", json={"x": [1, 2, 3], "y": [1, 3, 2]})
    for path, methods in document["paths"].items():
        if "get" in methods:
            response = client.get(path.format(model="default", version=1), headers={"If-None-Match": "*"})
            assert response.status_code == (304 if "304" in methods["get"]["responses"] else 200), path


def examples(document):
    """Yield every example of a body as (method, path, media type, body, operation), trainings first."""
    for path, operations in sorted(document["paths"].items(), key=lambda item: "train" not in item[0]):
        for method, operation in operations.items():
            for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
                for example in content.get("examples", {}).values():
                    yield method, path.format(model="default", version=1), media_type, example["value"], operation


def test_every_example_gets_a_documented_status(client, document):
    client.post("/train", json={"x": [1, 2, 3, 4], "y": [2, 4, 6.5, 8]})
    sent = 0
    for method, path, media_type, body, operation in examples(document):
        if not path.endswith("train"):
            client.post("/train", json={"x": [1, 2, 3, 4], "y": [2, 4, 6.5, 8]})
        data = body if isinstance(body, str) else json.dumps(body)
        response = client.open(path, method=method, data=data, content_type=media_type)
        assert response.status_code < 300, (path, body, response.text)
        assert str(response.status_code) in operation["responses"]
        sent += 1
    assert sent >= 30


def test_tables_are_documented_where_they_are_accepted(client, document):
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if "requestBody" in operation:
                url = path.format(model="default", version=1)
                response = client.open(url, method=method, data=b"nonsense", content_type=table_bodies.PARQUET)
                described = table_bodies.PARQUET in operation["requestBody"]["content"]
                takes = response.status_code != 415 and not url.startswith("/v2")
                assert takes == described, (method, path)


@pytest.mark.parametrize(
    ("path", "body", "accepted"),
    [
        ("/train", {"x": [1, 2], "y": [1, 3], "append": 1.0}, True),
        ("/train", {"x": [1, 2], "y": [1, 3], "append": 1.5}, False),
        ("/train", {"x": [1, 2], "y": [1, 3], "append": 2.0**63}, False),
        ("/train", {"x": [1, 2], "y": [1, 3], "epochs": 3.0}, True),
        ("/predict", {"x": {"x": None}, "missing": "drop"}, False),
        ("/predict", {"x": {"x": 1}, "missing": "drop"}, True),
        ("/predict", {"x": [{"x": 1}, {"x": None}], "missing": "drop"}, True),
        ("/predict", {"x": {"x": [1, None]}, "missing": "drop"}, True),
        ("/predict", {"x": [1, None], "missing": "drop"}, True),
        ("/predict", {"x": [[1], [None]], "missing": "drop"}, True),
        ("/predict", {"x": None, "missing": "drop"}, False),
    ],
)
def test_the_schema_accepts_the_bodies_that_the_service_accepts(client, document, path, body, accepted):
    client.post("/train", json={"x": [1, 2, 3, 4], "y": [2, 4, 6.5, 8]})
    described = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    validator = Draft202012Validator(described | {"components": document["components"]})
    assert validator.is_valid(body) == accepted
    assert (client.post(path, json=body).status_code < 300) == accepted


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/models:train", {"Idempotency-Key", "If-None-Match"}),
        ("/models/{model}/train", {"Idempotency-Key", "If-None-Match", "If-Match"}),
    ],
)
def test_the_headers_of_trainings_are_documented(document, path, names):
    parameters = document["paths"][path]["post"]["parameters"]
    assert {each["name"] for each in parameters if each["in"] == "header"} == names


def test_problems_match_their_schema(client, document):
    described = {"$ref": "#/components/schemas/ProblemResponse", "components": document["components"]}
    diverging = client.post("/train", json={"x": [1, 2], "y": [1, 3], "learning_rate": 1e9, "standardize": False}).json
    assert diverging["largest_stable_learning_rate"] > 0
    busy = problems.of_error(PublishContention("Try again.", retry_after=1))
    for problem in (diverging, busy, client.get("/nothing").json, client.post("/train", json={"x": 1}).json):
        Draft202012Validator(described).validate(problem)


def test_304_is_documented_exactly_where_it_occurs(client, document):
    client.post("/train", json={"x": [1, 2, 3, 4], "y": [2, 4, 6.5, 8]})
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            described = "304" in operation["responses"]
            if method == "get":
                url = path.format(model="default", version=1)
                tag = client.get(url).headers.get("ETag")
                assert (tag is not None) == described, path
                again = client.get(url, headers={"If-None-Match": tag or "*"})
                assert again.status_code == (304 if described else 200), path
            else:
                assert not described, (method, path)


def test_every_body_has_an_example(document):
    for operations in document["paths"].values():
        for operation in operations.values():
            for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
                assert content.get("examples") or media_type in BYTES


def test_the_documentation_page_uses_an_installed_package(client):
    assert client.get("/").location == "/docs/"
    page = client.get("/", follow_redirects=True)
    assert page.status_code == 200
    assert "openapi.json" in page.text
    assert "://" not in page.text
    for name in ("swagger-ui.css", "swagger-ui-bundle.js"):
        with client.get(f"/docs/{name}") as response:
            assert response.status_code == 200
