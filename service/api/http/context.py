"""The objects that views work with."""

from dataclasses import dataclass

from flask import Flask, current_app
from prometheus_client.registry import Collector

from service.api.http.body_adapter import BodyAdapter
from service.formats.table import Limits
from service.observability.metrics import Metrics
from service.serving.predictor import Predictor
from service.store import Store
from service.training.trainer import Trainer

EXTENSION = "descent"
"""The key of the app's Services in `app.extensions`."""


@dataclass(frozen=True)
class BodyLimits:
    """Limits of a request's body.

    buffered: bytes of a body that is held as a whole. stream: bytes of a body that is read in batches.
    max_decompression_ratio: decompressed bytes per received byte. columns: columns of a table.
    """

    buffered: int
    stream: int
    max_decompression_ratio: int
    columns: int

    @property
    def formats(self) -> Limits:
        """The limits that table formats apply."""
        return Limits(max_buffered_bytes=self.buffered, max_decompression_ratio=self.max_decompression_ratio)


@dataclass(frozen=True)
class Services:
    """The objects that `service.app` builds for the views."""

    store: Store
    trainer: Trainer
    predictor: Predictor
    metrics: Metrics
    facts: Collector
    body_limits: BodyLimits
    body_adapter: BodyAdapter


def services() -> Services:
    """Return the objects of the running app."""
    return services_of(current_app)


def services_of(app: Flask) -> Services:
    """Return the objects of `app`."""
    found: Services = app.extensions[EXTENSION]
    return found
