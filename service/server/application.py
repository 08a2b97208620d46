"""The app for gunicorn's workers."""

from service.app import App, create_app
from service.core.statistics import WorkerPool
from service.server.gunicorn_stream import GunicornBodyAdapter


def build(executor: WorkerPool | None = None) -> App:
    """Return the app with access to gunicorn's request bodies; `executor` is for long trainings."""
    return create_app(executor=executor, body_adapter=GunicornBodyAdapter())
