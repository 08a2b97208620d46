"""Descent's gunicorn configuration, with the choices that the environment names in place of its own."""

import os

from service.server.config import *  # noqa: F403

worker_class = os.environ["CHOICE_CLASS"]
if not worker_class.startswith("service."):
    workers = settings.workers  # noqa: F405 - none for long requests
threads = int(os.environ["CHOICE_THREADS"])
http_parser = os.environ["CHOICE_PARSER"]
