"""Descent's gunicorn configuration, around the app that does nothing."""

from typing import Any

from service.server.config import *  # noqa: F403

wsgi_app = "nothing:app"
workers = settings.workers  # noqa: F405 - and none for long requests
worker_class = "gthread"  # which Descent's own worker is for every app but Descent


def on_starting(_server: Any) -> None:
    """Nothing to import before the fork."""


def post_fork(_server: Any, _worker: Any) -> None:
    """Nothing to count."""


def on_exit(_server: Any) -> None:
    """Nothing to take away."""
