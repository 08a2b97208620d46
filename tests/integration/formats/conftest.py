"""The app in process, with models that a whole module shares."""

import pytest

from service.app import create_app
from service.settings import Settings


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    store = tmp_path_factory.mktemp("formats") / "models"
    return create_app(Settings(store=str(store), log_min_duration_ms=10_000, max_autograd_epochs=500)).test_client()
