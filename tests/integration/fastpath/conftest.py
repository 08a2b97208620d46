"""An app with loaded versions."""

import dataclasses

import pytest
from fast_path_requests import train

from service.app import create_app


@pytest.fixture
def app(settings):
    app = create_app(dataclasses.replace(settings, store_refresh_seconds=1000, log_min_duration_ms=0))
    client = app.test_client()
    train(client, "default", {"x": [1, 2, 3], "y": [1, 2, 4]})
    train(client, "plane", {"x": [[1, 2], [3, 5], [2, 2], [1, 1]], "y": [1, 2, 4, 3]})
    train(client, "named", {"x": {"area": [1, 2, 3, 4], "rooms": [1, 3, 2, 2]}, "y": [1, 2, 4, 3]})
    train(client, "default", {"x": [1, 2, 3], "y": [1, 2, 5]})
    return app
