"""The OpenAPI document: valid, complete, and its examples are answered as it says."""

import pytest
from openapi_spec_validator import validate

from service.app import create_app


@pytest.fixture
def document(client):
    return client.get("/openapi.json").json


def test_the_document_is_valid(document):
    validate(document)
    assert document["openapi"].startswith("3.1")


def test_every_route_is_described(document, settings):
    app = create_app(settings)
    own = [rule for rule in app.url_map.iter_rules() if not rule.rule.startswith("/docs")]
    described = sum(len(operations) for operations in document["paths"].values())
    assert described == sum(len(rule.methods - {"HEAD", "OPTIONS"}) for rule in own)


def examples(document):
    """Every example of a body: (method, path, body), trainings first."""
    for path, operations in sorted(document["paths"].items(), key=lambda item: "train" not in item[0]):
        for method, operation in operations.items():
            for media in operation.get("requestBody", {}).get("content", {}).values():
                for example in media["examples"].values():
                    yield method, path.format(model="default", version=1), example["value"], operation


def test_every_example_is_answered_as_described(client, document):
    client.post("/train", json={"x": [1, 2, 3, 4], "y": [2, 4, 6.5, 8]})
    sent = 0
    for method, path, body, operation in examples(document):
        if not path.endswith("train"):
            client.post("/train", json={"x": [1, 2, 3, 4], "y": [2, 4, 6.5, 8]})
        answer = client.open(path, method=method, json=body)
        assert answer.status_code < 300, (path, body, answer.text)
        assert str(answer.status_code) in operation["responses"]
        sent += 1
    assert sent >= 15


def test_every_body_has_an_example(document):
    for operations in document["paths"].values():
        for operation in operations.values():
            for media in operation.get("requestBody", {}).get("content", {}).values():
                assert media["examples"]


def test_the_browser_of_the_document_comes_from_an_installed_package(client):
    page = client.get("/docs/")
    assert page.status_code == 200
    assert "openapi.json" in page.text
    assert "://" not in page.text
    for name in ("swagger-ui.css", "swagger-ui-bundle.js"):
        with client.get(f"/docs/{name}") as answer:
            assert answer.status_code == 200
