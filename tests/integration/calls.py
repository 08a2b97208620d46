"""Requests that several test modules send to the app in process."""

import table_bodies

XY = {"x": [1, 2, 3, 4], "y": [2, 4, 7, 8]}
X = {"a": [1.0, 2.0, 3.0, 4.0, 5.5, 7.0], "b": [1.0, 0.0, 2.0, 1.0, 0.5, 3.0]}
Y = [1.0, 2.0, 4.0, 4.5, 5.0, 9.0]
PLANE = {**X, "y": Y}


def part(rows):
    """Return some rows of PLANE."""
    return {name: column[rows] for name, column in PLANE.items()}


def train(client, model="m", headers=None, status=201, **body):
    """Train a model, and return the response."""
    response = client.post(f"/models/{model}/train", json=body, headers=headers)
    assert response.status_code == status, response.text
    return response


def fit(client, status=201, **body):
    """Train the default model, and return the JSON of the response."""
    response = client.post("/train", json=body)
    assert response.status_code == status, response.text
    return response.json


def post_table(client, path, media_type, columns, **headers):
    """Send columns as a table of a media type."""
    return client.post(path, data=table_bodies.ALL[media_type](columns), content_type=media_type, headers=headers)


def rejected(client, path="/train", **request):
    """Send a request that must publish nothing, and return the status, the kind of problem and the problem."""
    response = client.post(path, **request)
    assert response.content_type == "application/problem+json", response.text
    assert client.get("/models").json == {"models": []}
    return response.status_code, response.json["type"].removeprefix("urn:descent:problem:"), response.json


def metric(client, name, model):
    """Return a metric of a model, 0 if it does not exist."""
    lines = client.get("/metrics").text.splitlines()
    found = [float(line.split()[-1]) for line in lines if line.startswith(f'{name}{{model="{model}"}}')]
    return found[0] if found else 0
