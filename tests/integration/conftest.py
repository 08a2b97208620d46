"""The app in process, over a store of its own."""

import json
from pathlib import Path

import httpx
import pytest

from service.app import create_app
from service.settings import Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def settings(tmp_path):
    return Settings(
        store=str(tmp_path / "models"), store_refresh_seconds=0, log_min_duration_ms=10_000, max_autograd_epochs=500
    )


@pytest.fixture
def client(settings):
    return create_app(settings).test_client()


@pytest.fixture(scope="session")
def tutorial():
    return json.loads((ROOT / "docs/examples/tutorial.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def http(tmp_path_factory):
    """An httpx client of an app in process, whose models a whole module shares."""
    store = tmp_path_factory.mktemp("http") / "models"
    app = create_app(Settings(store=str(store), log_min_duration_ms=10_000))
    with httpx.Client(transport=httpx.WSGITransport(app=app), base_url="http://here") as client:
        yield client
