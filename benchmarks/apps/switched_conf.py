"""Descent's gunicorn configuration; its workers stop counting, timing and logging requests on SIGUSR2, and begin again
on the next."""

import signal
from typing import Any

from service.server import config
from service.server.config import *  # noqa: F403


class Uncounted:
    """A gauge that does nothing."""

    def add(self, _number: int) -> None:
        """Count nothing."""


def nothing(*_: Any) -> None:
    """Count and log no request."""


def on_starting(server: Any) -> None:
    """Start as ever; no worker dies of a signal that comes before it listens to it."""
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    config.on_starting(server)


def post_worker_init(worker: Any) -> None:
    """Exchange what tells of requests for nothing, and back, at each signal."""
    from service.fastpath import predict  # noqa: PLC0415

    recorder = worker.wsgi.fast_path._recorder
    others = [Uncounted(), nothing]

    def switch(*_: Any) -> None:
        others[0], recorder.in_progress = recorder.in_progress, others[0]
        others[1], predict.PredictFastPath._count = predict.PredictFastPath._count, others[1]

    signal.signal(signal.SIGUSR2, switch)
