"""The composition root: the only place that builds the parts."""

import logging
import os
from pathlib import Path

from flask import Flask

from service import torchscript
from service.api import inference_protocol, instruments, mlflow, problems
from service.api.bodies import Bounds
from service.api.routes import Parts, VersionConverter, routes
from service.facts import ServingFacts
from service.metrics import Metrics
from service.predictor import Predictor
from service.settings import Settings
from service.store import FolderStore
from service.training import Trainer

log = logging.getLogger(__name__)


def create_app(settings: Settings | None = None) -> Flask:
    """The service as a WSGI app, set up from the environment unless `settings` are given."""
    settings = settings or Settings.from_environment(os.environ)
    torchscript.use_one_thread()
    store = FolderStore(Path(settings.store))
    swept = store.sweep()
    if swept:
        log.warning("swept %d unfinished publications", swept)
    metrics = Metrics()
    app = Flask("descent", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.extensions["descent.bounds"] = Bounds(
        settings.max_body_bytes, settings.max_stream_bytes, settings.max_inflation, settings.max_columns
    )
    app.extensions["descent"] = Parts(
        store=store,
        trainer=Trainer(store, settings.max_columns, settings.autograd_epochs, settings.max_body_bytes),
        predictor=Predictor(store, settings.cached_models, settings.refresh_seconds),
        metrics=metrics,
        facts=ServingFacts(store, settings.metrics_models, settings.refresh_seconds),
    )
    app.url_map.merge_slashes = False
    app.url_map.converters["version"] = VersionConverter
    problems.register(app)
    instruments.register(app, metrics, settings.log_slower_than_ms / 1000)
    for blueprint in (routes, inference_protocol.routes, mlflow.routes):
        app.register_blueprint(blueprint)
    return app
