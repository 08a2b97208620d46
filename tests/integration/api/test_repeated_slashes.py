"""A path with repeated slashes is not found, before any handler and on the fast path."""

import io
import json

import pytest
from werkzeug.test import create_environ, run_wsgi_app

XY = {"x": [1, 2], "y": [1, 3]}


@pytest.fixture
def post(client):
    """Post JSON to a path exactly as it is given; test clients would take `//train` for a host."""
    client.post("/train", json=XY)
    client.post("/models/x/train", json=XY)

    def send(path, body):
        data = json.dumps(body).encode()
        environ = create_environ(method="POST", content_type="application/json", input_stream=io.BytesIO(data))
        environ |= {"PATH_INFO": path, "CONTENT_LENGTH": str(len(data))}
        chunks, status, headers = run_wsgi_app(client.application, environ)
        return int(status.split()[0]), json.loads(b"".join(chunks)), headers

    return send


@pytest.mark.parametrize("path", ["//train", "///train", "/train/", "//models/x/train", "/models//x/train"])
def test_nothing_is_trained(client, post, path):
    status, problem, _ = post(path, XY)
    assert (status, problem["type"]) == (404, "urn:descent:problem:not-found")
    assert client.get("/models/default").json["versions"] == [1]
    assert client.get("/models/x").json["versions"] == [1]


@pytest.mark.parametrize(
    "path", ["//predict", "/models//x", "//models/x/predict", "/models/x//predict", "/models/x/versions//1/predict"]
)
@pytest.mark.parametrize("body", [{"x": 1}, {"x": [1], "explain": True}], ids=["fast path", "slow path"])
def test_nothing_is_predicted(post, path, body):
    assert post("/models/x/predict", {"x": 1})[0] == 200
    status, problem, _ = post(path, body)
    assert (status, problem["type"]) == (404, "urn:descent:problem:not-found")


def test_the_metrics_count_it_as_no_route(client, post):
    post("//train", XY)
    assert 'route="none",status="404"' in client.get("/metrics").text
    assert 'route="/train",status="404"' not in client.get("/metrics").text
