import json

import httpx
import pytest
from fake_service import FakeService, ok, problem

from descent import ClientError, InvalidArgument, Problem, UnexpectedResponse, Unreachable


def test_a_problem_has_the_members_of_its_document():
    errors = [{"pointer": "/x/1", "detail": "is null, not a number"}]
    service = FakeService(problem(422, errors=errors, largest_stable_learning_rate=0.02))
    with pytest.raises(Problem, match=r"Fix it\.") as raised:
        service.client().predict([1, None])
    found = raised.value
    assert (found.type, found.title, found.status) == ("urn:descent:problem:some", "Some", 422)
    assert found.detail == "Fix it."
    assert found.errors == errors
    assert found.members == {"largest_stable_learning_rate": 0.02}
    assert found.document() == json.loads(service.responses[0](None).content)


@pytest.mark.parametrize("page", [b"<html>Bad Gateway</html>", b"[]", b"\xff"])
def test_the_page_of_a_proxy_becomes_a_problem(page):
    with pytest.raises(Problem) as raised:
        FakeService(httpx.Response(502, content=page)).client().model("m")
    assert (raised.value.status, raised.value.type, raised.value.title) == (502, "about:blank", "Bad Gateway")
    assert raised.value.errors == []
    assert "errors" not in raised.value.document()


def test_a_response_in_another_media_type_is_unexpected():
    page = httpx.Response(200, html="<html>welcome</html>")
    with pytest.raises(UnexpectedResponse, match="returned text/html instead of application/json"):
        FakeService(page).client().model("m")
    with pytest.raises(UnexpectedResponse, match="returned text/html instead of text/plain"):
        FakeService(page).client().service_version()
    with pytest.raises(UnexpectedResponse, match="returned no media type"):
        FakeService(httpx.Response(200, content=b"{}")).client().model("m")


@pytest.mark.parametrize("content", [b"[1]", b"{", b"\xff"])
def test_json_that_is_not_an_object_is_unexpected(content):
    response = httpx.Response(200, content=content, headers={"Content-Type": "application/json"})
    with pytest.raises(UnexpectedResponse, match="returned JSON that is not an object"):
        FakeService(response).client().model("m")


@pytest.mark.parametrize("error", [InvalidArgument, Problem, UnexpectedResponse, Unreachable])
def test_all_exceptions_have_one_base_class(error):
    assert issubclass(error, ClientError)


def test_a_successful_response_raises_nothing():
    assert FakeService(ok({})).client().model("m") == {}
