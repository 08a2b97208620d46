"""Descent's gunicorn configuration, with options from the environment."""

import os

from service.server.config import *  # noqa: F403

prepare_process()  # noqa: F405 - the configuration's worker_class would call it
worker_class = os.environ["OPTION_CLASS"]
if not worker_class.startswith("service."):
    workers = settings.workers  # noqa: F405 - no worker for long requests
threads = int(os.environ["OPTION_THREADS"])
http_parser = os.environ["OPTION_PARSER"]
