import json

import httpx
import pytest
from fake_service import FakeService, ok


@pytest.mark.parametrize(
    ("call", "method", "path"),
    [
        (lambda client: client.model("m"), "GET", "/models/m"),
        (lambda client: list(client.versions("m")), "GET", "/models/m/versions"),
        (lambda client: client.version("m", 3), "GET", "/models/m/versions/3"),
        (lambda client: client.history("m", 3), "GET", "/models/m/versions/3/history"),
        (lambda client: client.artifact("m", 3), "GET", "/models/m/versions/3/artifact"),
        (lambda client: client.pin("m", 3), "PUT", "/models/m/serving"),
        (lambda client: client.unpin("m"), "DELETE", "/models/m/serving"),
        (lambda client: client.delete("m"), "DELETE", "/models/m"),
        (lambda client: client.delete("m", 3), "DELETE", "/models/m/versions/3"),
    ],
)
def test_each_method_sends_one_request(call, method, path):
    service = FakeService(ok({"versions": []}))
    call(service.client())
    assert [(request.method, request.url.path) for request in service.requests] == [(method, path)]


@pytest.mark.parametrize("method", ["version", "history"])
def test_the_version_is_the_serving_one_unless_it_is_given(method):
    service = FakeService(ok({"serving": 7}), ok({"epoch": [0], "loss": [1.0]}))
    assert getattr(service.client(), method)("m") == {"epoch": [0], "loss": [1.0]}
    assert service.last.url.path.startswith("/models/m/versions/7")


def test_an_artifact_is_returned_as_bytes():
    service = FakeService(ok({"serving": 7}), httpx.Response(200, content=b"PK"))
    assert service.client().artifact("m") == b"PK"
    assert service.last.url.path == "/models/m/versions/7/artifact"


def test_a_pin_names_its_version_and_an_empty_response_is_an_empty_object():
    service = FakeService(ok({"version": 3}), httpx.Response(204))
    client = service.client()
    assert client.pin("m", 3) == {"version": 3}
    assert json.loads(service.last.content) == {"version": 3}
    assert client.unpin("m") == {}


def test_models_come_from_all_pages():
    pages = [{"models": [{"model": "a"}], "next_page_token": "a"}, {"models": [{"model": "b"}]}]
    service = FakeService(*map(ok, pages))
    assert [each["model"] for each in service.client().models("p")] == ["a", "b"]
    assert dict(service.requests[0].url.params) == {"prefix": "p", "limit": "1000"}
    assert dict(service.last.url.params) == {"prefix": "p", "limit": "1000", "page_token": "a"}


def test_versions_come_from_all_pages_newest_first():
    first = {"model": "m", "versions": [{"version": 3}, {"version": 2}], "next_page_token": "2"}
    service = FakeService(ok(first), ok({"model": "m", "versions": [{"version": 1}]}))
    versions = service.client().versions("m")
    assert not service.requests
    assert next(versions)["version"] == 3
    assert len(service.requests) == 1
    assert [each["version"] for each in versions] == [2, 1]
    assert [dict(request.url.params) for request in service.requests] == [
        {"limit": "1000"},
        {"limit": "1000", "page_token": "2"},
    ]
