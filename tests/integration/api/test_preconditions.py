"""Conditional requests: If-Match, If-None-Match, ETag and Vary."""

import pytest
from calls import XY, train


def test_a_training_requires_the_newest_version_to_match(client):
    tag = train(client, **XY, headers={"If-None-Match": "*"}).headers["ETag"]
    assert train(client, **XY, headers={"If-None-Match": "*"}, status=412).json["type"].endswith("precondition-failed")
    second = train(client, **XY, headers={"If-Match": tag})
    assert train(client, **XY, headers={"If-Match": tag}, status=412)
    assert client.get("/models/m/versions/2").headers["ETag"] == second.headers["ETag"]
    train(client, **XY, headers={"If-Match": f'"other", {second.headers["ETag"]}'})
    train(client, **XY, headers={"If-Match": "*"})
    train(client, "new", **XY, headers={"If-Match": "*"}, status=412)
    assert client.get("/models/new").status_code == 404


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_compressed_response_has_a_weak_tag_of_the_same_version(client, encoding):
    tag, url, compressed = train(client, **XY).headers["ETag"], "/models/m/versions/1", {"Accept-Encoding": encoding}
    plain, response = client.get(url), client.get(url, headers=compressed)
    assert response.headers["Content-Encoding"] == encoding
    assert (plain.headers["ETag"], response.headers["ETag"]) == (tag, f"W/{tag}")
    for known in (tag, f"W/{tag}"):
        for headers in ({}, compressed):
            again = client.get(url, headers={"If-None-Match": known, **headers})
            assert (again.status_code, again.headers["Vary"]) == (304, "Accept-Encoding")
    assert train(client, **XY, headers=compressed).headers["ETag"].startswith('"')
    train(client, **XY, headers={"If-Match": f"W/{tag}"}, status=412)
    train(client, **XY, headers={"If-Match": client.get(f"{url[:-1]}2", headers=compressed).headers["ETag"]})


def test_vary_names_the_headers_that_a_response_depends_on(client):
    train(client, **XY)
    for headers in ({}, {"Accept-Encoding": "gzip"}):
        for path in ("/models", "/models/m", "/models/m/versions/1", "/models/m/versions/1/history"):
            assert client.get(path, headers=headers).headers["Vary"] == "Accept-Encoding"
        for accept in ("application/json", "text/csv"):
            for body in ({"json": {"x": [1, 2]}}, {"data": "x\n1\n", "content_type": "text/csv"}):
                response = client.post("/models/m/predict", headers={"Accept": accept, **headers}, **body)
                assert response.headers["Vary"] == "Accept, Accept-Encoding"
        assert train(client, **XY, headers=headers).headers["Vary"] == "Accept-Encoding"
        assert client.get("/metrics", headers=headers).headers["Vary"] == "Accept"
        assert "Vary" not in client.get("/models/m/versions/1/artifact", headers=headers).headers


@pytest.mark.parametrize(
    "path", ["", "/versions", "/versions/1", "/versions/1/history", "/versions/1/artifact", "/serving"]
)
def test_an_unchanged_resource_is_a_304(client, path):
    train(client, **XY)
    first = client.get(f"/models/m{path}")
    again = client.get(f"/models/m{path}", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    train(client, **XY)
    changed = client.get(f"/models/m{path}", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == (304 if "/1" in path else 200)


def test_if_match_does_not_apply_to_reads(client):
    train(client, **XY)
    for path in ("/models/m", "/models/m/versions/1", "/models/m/versions/1/artifact"):
        assert client.get(path, headers={"If-Match": '"other"'}).status_code == 200
