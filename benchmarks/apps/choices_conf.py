"""Descent's gunicorn configuration, with choices from the environment in place of its own."""

import os

from service.server.config import *  # noqa: F403

prepare_process()  # noqa: F405 - which the configuration's own worker_class calls
worker_class = os.environ["CHOICE_CLASS"]
if not worker_class.startswith("service."):
    workers = settings.workers  # noqa: F405 - none for long requests
threads = int(os.environ["CHOICE_THREADS"])
http_parser = os.environ["CHOICE_PARSER"]
