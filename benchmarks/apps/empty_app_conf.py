"""Descent's gunicorn configuration with the empty app."""

from typing import Any

from service.server.config import *  # noqa: F403

wsgi_app = "empty_app:app"
workers = settings.workers  # noqa: F405 - no worker for long requests
worker_class = "gthread"  # Descent's worker class behaves like it for other apps


def on_starting(_server: Any) -> None:
    """Import nothing before the fork."""


def post_fork(_server: Any, _worker: Any) -> None:
    """Take no worker slot."""


def on_exit(_server: Any) -> None:
    """Remove nothing."""
