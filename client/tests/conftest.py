"""Fixtures of the client's tests. No test sleeps, and no test needs the service."""

import time

import pytest


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """The seconds that the client would have slept."""
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    return slept
