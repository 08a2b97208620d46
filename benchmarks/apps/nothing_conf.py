"""Descent's gunicorn configuration for the app that does nothing."""

from typing import Any

from service.server.config import *  # noqa: F403

wsgi_app = "nothing:app"
workers = settings.workers  # noqa: F405 - and none for long requests
worker_class = "gthread"  # as Descent's own class behaves for an app without a fast path


def on_starting(_server: Any) -> None:
    """Import nothing before the fork."""


def post_fork(_server: Any, _worker: Any) -> None:
    """Count nothing."""


def on_exit(_server: Any) -> None:
    """Remove nothing."""
