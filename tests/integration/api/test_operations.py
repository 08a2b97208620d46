"""Probes, the version and the formats of the metrics."""

import shutil

import pytest

from service import __version__

TEXT = "text/plain; version=0.0.4; charset=utf-8"


@pytest.mark.parametrize("version", ["abc", "1.x", "", "1" * 5000])
@pytest.mark.parametrize("media_type", ["application/openmetrics-text", "text/plain"])
def test_an_unknown_version_of_a_format_is_accepted(client, media_type, version):
    response = client.get("/metrics", headers={"Accept": f"{media_type}; version={version}"})
    assert response.status_code == 200
    assert b"descent_http_requests_in_progress" in response.data


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", TEXT),
        ("application/openmetrics-text; version=abc", TEXT),
        ("application/openmetrics-text; version=0.0.1", TEXT),
        (
            "application/openmetrics-text; version=1.0.0",
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
        ),
    ],
)
def test_the_accept_header_chooses_the_format(client, accept, content_type):
    response = client.get("/metrics", headers={"Accept": accept})
    assert (response.status_code, response.content_type) == (200, content_type)
    assert response.data.endswith(b"# EOF\n") is content_type.startswith("application/openmetrics-text")


def test_probes_and_version_return_plain_text(client):
    assert client.get("/livez").text == "ok\n"
    assert client.get("/readyz").text == "ok\n"
    assert client.get("/version").text == f"{__version__}\n"


def test_a_lost_store_is_not_ready(client, settings):
    shutil.rmtree(settings.store)
    assert client.get("/readyz").status_code == 503
    assert client.get("/livez").status_code == 200
