"""Requests of the fast path in process."""

import json
import time

from werkzeug.test import EnvironBuilder

from service.fastpath.middleware import head_of

JSON = "application/json"
SLOW = {"Content-Encoding": "identity"}
"""A header without effect that the fast path does not accept."""
FAST = [
    ("/predict", '{"x": 5}'),
    ("/predict", '{"x": [5]}'),
    ("/predict", '{"x": [5, 2, 1.5e3, -7]}'),
    ("/predict", ' {"x" :[5]} '),
    ("/predict", '{"x": 1, "x": 2}'),
    ("/predict", '{"x": {"x": 3}}'),
    ("/predict", '{"x": {"x": [3, 4]}}'),
    ("/predict", '{"x": [{"x": 3}, {"x": 4}]}'),
    ("/predict", '{"x": [[3], [4]]}'),
    ("/predict", '{"x": [12345678901234567890123]}'),
    ("/predict?model=plane", '{"x": [[1, 2]]}'),
    ("/models/plane/predict", '{"x": [[1, 2], [0.1, 900]]}'),
    ("/models/named/predict", '{"x": {"rooms": 2, "area": 9}}'),
    ("/models/named/predict", '{"x": {"rooms": [2, 3], "area": [9, 1]}}'),
    ("/models/named/predict", '{"x": [[1, 2]]}'),
    ("/models/default/versions/1/predict", '{"x": [5]}'),
    ("/predict", json.dumps({"x": list(range(40))})),
]


def train(client, model, rows):
    assert client.post(f"/models/{model}/train", json=rows).status_code == 201
    for version in ("", "/versions/1"):
        x = rows["x"] if isinstance(rows["x"], dict) else rows["x"][:1]
        assert client.post(f"/models/{model}{version}/predict", json={"x": x}).status_code == 200


def respond(app, path, body, content_type=JSON, **headers):
    """Return the response of the fast path, or None if it leaves the request to the slow path."""
    environ = environ_of(path, body, content_type, headers)
    pending = prepare(app, environ, body)
    return pending and app.fast_path.execute([pending])[0]


def prepare(app, environ, body):
    match = app.fast_path.match(head_of(environ))
    if match is None:
        return None
    match = match._replace(request_id=environ.get("HTTP_X_REQUEST_ID", ""))
    return app.fast_path.prepare(match, environ.get("REMOTE_ADDR"), body.encode(), time.perf_counter())


def environ_of(path, body, content_type=JSON, headers=None):
    length = (headers or {}).pop("Content-Length", str(len(body)))
    builder = EnvironBuilder(path=path, method="POST", data=body, content_type=content_type, headers=headers)
    return builder.get_environ() | {"CONTENT_LENGTH": length}
