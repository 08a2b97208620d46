"""Descent for servers other than gunicorn: what service/gunicorn_conf.py does around the fork, in each worker."""

import logging.config
import os
from pathlib import Path

for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
metrics = Path(os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", "metrics"))
metrics.mkdir(exist_ok=True)

from service import logs, slots, torchscript  # noqa: E402

logging.config.dictConfig(logs.configuration("info"))
torchscript.warm_up()
slots.take(metrics)

from service.wsgi import app  # noqa: E402, F401
