"""Every bad request is refused with the expected problem, leaves the models as they were, and the app serves on."""

import json
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote_to_bytes

import bad_request_cases as corpus
import pytest
from werkzeug.test import run_wsgi_app

from service.app import create_app
from service.settings import Settings

CASES = corpus.load(Path(__file__).parent / "bad_requests")
BULK_CASES = [name for name, case in CASES.items() if "bulk" in case]
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    store = tmp_path_factory.mktemp("bad-requests") / "models"
    app = create_app(Settings(store=str(store), max_body_bytes=32 * 1024**2, log_min_duration_ms=10_000))
    for name, rows in corpus.MODELS.items():
        case = {"request": f"POST /models/{name}/train", "headers": JSON, "body": json.dumps(rows)}
        assert send(app, case).status == 201
    return app


@pytest.mark.parametrize("name", CASES)
def test_bad_request_is_refused(name, app):
    assert_refused_without_effect(app, CASES[name])


@pytest.mark.parametrize("name", BULK_CASES)
def test_bad_request_is_refused_in_bulk(name, app):
    assert_refused_without_effect(app, corpus.in_bulk(name, CASES[name]))


def assert_refused_without_effect(app, case):
    before = models(app)
    corpus.assert_refused(send(app, case), case)
    alive = send(app, {"request": "GET /livez"})
    assert (alive.status, alive.body) == (200, b"ok\n")
    assert models(app) == before


def models(app):
    response = send(app, {"request": "GET /models?limit=1000"})
    assert response.status == 200
    return json.loads(response.body)


def send(app, case):
    """Call the app as a WSGI server does; test clients change paths that are not valid before they send them."""
    method, target = corpus.request_line(case)
    path, _, query = target.partition("?")
    body = corpus.body(case) or b""
    headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in case.get("headers", {}).items()}
    if "HTTP_CONTENT_TYPE" in headers:
        headers["CONTENT_TYPE"] = headers.pop("HTTP_CONTENT_TYPE")
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "RAW_URI": target,
        "CONTENT_LENGTH": str(len(body)),
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        "wsgi.errors": BytesIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        **headers,
    }
    chunks, status, received = run_wsgi_app(app, environ, buffered=True)
    return corpus.Response(int(status.split()[0]), received, b"".join(chunks))
