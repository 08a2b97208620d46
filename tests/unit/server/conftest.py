"""Fixtures of several tests of the server."""

import resource

import pytest


@pytest.fixture
def limits(monkeypatch):
    """Limits of open files, `[soft, hard]`."""
    found = [1024, 4096]

    def set_limits(kind, values):
        assert kind == resource.RLIMIT_NOFILE
        found[:] = values

    monkeypatch.setattr(resource, "getrlimit", lambda kind: tuple(found))
    monkeypatch.setattr(resource, "setrlimit", set_limits)
    return found
