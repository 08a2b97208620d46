import json
import socket
import threading

import httpx
import numpy as np
import pandas as pd
import pytest
from fake_service import FIT, FakeService, ok, problem, respond_once

from descent import Client, InvalidArgument, Problem, Unreachable
from descent.request_body import ARROW_STREAM, JSON, NPY

ARRAY = np.array([[1.0, 4.0], [2.0, 5.0], [3.0, 7.0]])
Y = np.array([1.0, 2.0, 4.0])
FRAME = pd.DataFrame(ARRAY, columns=["a", "b"])


def accepts_json_only(request):
    return ok(FIT)(request) if request.headers["Content-Type"] == JSON else problem(415)(request)


@pytest.mark.parametrize(
    "url", ["somewhere", "127.0.0.1:8000", "localhost:8000", "ftp://service", "http://", "", "http://service:port"]
)
def test_a_url_needs_a_scheme_and_a_host(url):
    with pytest.raises(InvalidArgument, match=r"is not .*URL.* Use one such as http://127\.0\.0\.1:8000"):
        Client(url)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b"])
def test_a_model_name_that_changes_the_path_is_not_sent(name):
    service = FakeService(ok({}))
    with pytest.raises(InvalidArgument, match="is not a model name"):
        service.client().delete(name)
    with pytest.raises(InvalidArgument, match="is not a model name"):
        service.client().predict(1, model=name)
    assert not service.requests


def test_a_model_name_is_quoted_in_the_path():
    service = FakeService(ok({}))
    service.client().model("a?b#c%2F")
    assert service.last.url.raw_path == b"/models/a%3Fb%23c%252F"


def test_a_refused_media_type_is_sent_as_json_from_then_on():
    service = FakeService(accepts_json_only)
    client = service.client()
    for _ in range(2):
        client.train(FRAME, y="b", epochs=3)
    for _ in range(2):
        client.train(ARRAY, Y)
    media_types = [request.headers["Content-Type"] for request in service.requests]
    assert media_types == [ARROW_STREAM, JSON, JSON, NPY, JSON, JSON]
    documents = [json.loads(request.content) for request in service.requests if request.content.startswith(b"{")]
    assert documents[0] == documents[1] == {"x": {"a": [1, 2, 3]}, "y": [4, 5, 7], "epochs": 3}
    assert documents[2] == documents[3] == {"x": ARRAY.tolist(), "y": [1, 2, 4]}


def test_other_problems_of_a_binary_body_are_raised():
    service = FakeService(problem(422))
    with pytest.raises(Problem):
        service.client().train(ARRAY, Y)
    assert len(service.requests) == 1


def test_headers_of_the_client_are_sent_with_every_request():
    service = FakeService(ok({}))
    service.client(headers={"Authorization": "Bearer key"}).model("m")
    assert service.last.headers["Authorization"] == "Bearer key"


def test_a_closed_client_cannot_be_used():
    with FakeService(ok({})).client() as client:
        client.model("m")
    with pytest.raises(RuntimeError):
        client.model("m")


def test_the_version_of_the_service_is_plain_text():
    assert FakeService(httpx.Response(200, text="1.2.3\n")).client().service_version() == "1.2.3"


def test_a_loopback_address_is_connected_without_the_proxy_of_the_environment(monkeypatch):
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with socket.socket() as closed, socket.create_server(("127.0.0.1", 0)) as listener:
        closed.bind(("127.0.0.1", 0))
        proxy = f"http://127.0.0.1:{closed.getsockname()[1]}"
        monkeypatch.setenv("HTTP_PROXY", proxy)
        monkeypatch.setenv("http_proxy", proxy)
        thread = threading.Thread(target=respond_once, args=(listener,))
        thread.start()
        with Client(f"http://127.0.0.1:{listener.getsockname()[1]}") as client:
            assert client.model("m") == {}
        thread.join()
        with pytest.raises(Unreachable), Client("http://service.example") as client:
            client.model("m")
