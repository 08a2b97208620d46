"""Run commands against a fake service."""

import pytest
from click.testing import CliRunner
from fake_service import FakeService, ok

from descent.cli import session
from descent.cli.commands import cli


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command in an empty folder: run("models", "--json")."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("DESCENT_URL", raising=False)
    return lambda *arguments, **options: CliRunner().invoke(cli, list(arguments), **options)


@pytest.fixture
def service(monkeypatch):
    """A service that commands use; it returns {} unless a test sets its responses."""
    fake = FakeService(ok({}))
    monkeypatch.setattr(session, "create_client", lambda url, store: fake.client())
    return fake
