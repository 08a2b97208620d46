"""Descent for servers other than gunicorn, with what gunicorn's hooks do in service/server/config.py."""

import gc
import logging.config
import os
from pathlib import Path

from service.server.config import prepare_process

prepare_process()

from service.observability import logs, worker_slots  # noqa: E402 - after the preparation
from service.server import warmup  # noqa: E402 - after the preparation

logging.config.dictConfig(logs.configuration("info"))
warmup.warm_up()
gc.freeze()
gc.enable()

metrics = Path("metrics").resolve()
metrics.mkdir(exist_ok=True)
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)
worker_slots.take(metrics)

from service.wsgi import app  # noqa: E402, F401 - once the metrics have their folder
