"""The app for gunicorn's workers."""

from service.app import App, create_app
from service.core.statistics import MakeExecutor
from service.server.gunicorn_stream import GunicornBodyAdapter


def build(make_executor: MakeExecutor | None = None) -> App:
    """Return the app with access to gunicorn's request bodies; `make_executor` is for long trainings."""
    return create_app(make_executor=make_executor, body_adapter=GunicornBodyAdapter())
