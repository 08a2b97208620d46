"""The parts that the views work with."""

from dataclasses import dataclass

from flask import current_app
from prometheus_client.registry import Collector

from service.observability.metrics import Metrics
from service.serving.predictor import Predictor
from service.store import Store
from service.training.trainer import Trainer


@dataclass(frozen=True)
class Services:
    """What `service.app` has built."""

    store: Store
    trainer: Trainer
    predictor: Predictor
    metrics: Metrics
    facts: Collector


def services() -> Services:
    """The parts of the running app."""
    found: Services = current_app.extensions["descent"]
    return found
