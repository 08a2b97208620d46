"""The objects that views work with."""

from dataclasses import dataclass

from flask import current_app
from prometheus_client.registry import Collector

from service.api.http.body_adapter import WSGIBodyAdapter
from service.formats.table import Limits
from service.observability.metrics import Metrics
from service.serving.predictor import Predictor
from service.settings import Settings
from service.store import Store
from service.training.trainer import Trainer

EXTENSION = "descent"
"""The key of the app's Services in `app.extensions`."""


@dataclass(frozen=True)
class Services:
    """The objects that `service.app` builds for the views. `settings` and `format_limits` bound bodies."""

    store: Store
    trainer: Trainer
    predictor: Predictor
    metrics: Metrics
    model_metrics: Collector
    settings: Settings
    format_limits: Limits
    body_adapter: WSGIBodyAdapter


def services() -> Services:
    """Return the objects of the running app."""
    found: Services = current_app.extensions[EXTENSION]
    return found
