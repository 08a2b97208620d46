"""Descent for servers other than gunicorn: what service/server/config.py does around the fork, in each worker."""

import gc
import logging.config
import os
from pathlib import Path

for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

from service.observability import logs, worker_slots  # noqa: E402
from service.server import warmup  # noqa: E402

logging.config.dictConfig(logs.configuration("info"))
warmup.warm_up()
gc.freeze()

metrics = Path("metrics").resolve()
metrics.mkdir(exist_ok=True)
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)
worker_slots.take(metrics)

from service.wsgi import app  # noqa: E402, F401
