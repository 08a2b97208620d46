"""Bodies that cannot be read: malformed JSON, unsupported media types and sizes."""

import dataclasses
import json

import pytest
import table_bodies
from calls import rejected

from service.app import create_app

XY = {"x": [1, 2, 3], "y": [2, 4, 7]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"{", "line 1, column 2"),
        (b"\xff", "byte 0"),
        (b'{"x": [NaN], "y": [1]}', "NaN"),
        (b'{"x": [-Infinity], "y": [1]}', "-Infinity"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_malformed_json_is_a_400_with_its_place(client, text, expected):
    status, slug, problem = rejected(client, data=text, content_type="application/json")
    assert (status, slug) == (400, "malformed-body")
    assert expected in problem["detail"]


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        (b'{"x": [1e400], "y": [1]}', "/x/0"),
        (b'{"x": [1], "y": [-1e400]}', "/y/0"),
        (b'{"x": [1], "y": [%s]}' % (b"9" * 400), "/y/0"),
        (b'{"x": [1], "y": [-%s]}' % (b"9" * 5000), "/y/0"),
    ],
)
def test_an_overflowing_number_is_a_422_at_its_place(client, text, pointer):
    status, slug, problem = rejected(client, data=text, content_type="application/json")
    assert (status, slug) == (422, "invalid-request")
    assert problem["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/json", "Content-Encoding": "br"},
    ],
)
def test_an_unsupported_media_type_is_a_415(client, headers):
    assert rejected(client, data=json.dumps(XY), headers=headers)[:2] == (415, "unsupported-media-type")


def test_a_body_over_the_limit_is_a_413(settings):
    client = create_app(dataclasses.replace(settings, max_body_bytes=100)).test_client()
    assert rejected(client, json={"x": [1] * 100, "y": [1] * 100})[:2] == (413, "body-too-large")


@pytest.mark.parametrize("body", ["[]", "3", '"text"', "null"])
def test_a_body_that_is_not_an_object_is_rejected(client, body):
    status, slug, _ = rejected(client, data=body, content_type="application/json")
    assert (status, slug) == (422, "invalid-request")


def test_an_unsupported_body_is_rejected_before_an_invalid_query(client):
    for path in ("/train?nonsense=1&nonsense=2", "/models/a/predict?epochs=1", "/models:train?x=1"):
        response = client.post(path, data=b"x", content_type="application/x-unheard-of")
        assert response.status_code == 415
    encoded = client.post(
        "/train?nonsense=1", data=b"x", content_type=table_bodies.CSV, headers={"Content-Encoding": "br"}
    )
    assert encoded.status_code == 415
    assert client.put("/models/a/serving", data=b"x,y\n", content_type=table_bodies.CSV).status_code == 415
