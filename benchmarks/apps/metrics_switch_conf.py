"""Descent's gunicorn configuration, with workers that switch metrics and logs of requests off and on at SIGUSR2."""

import signal
from typing import Any

from service.server import config as descent_config
from service.server.config import *  # noqa: F403


class NullGauge:
    """A gauge that counts nothing."""

    def add(self, _number: int) -> None:
        """Count nothing."""


def nothing(*_: Any) -> None:
    """Count and log no request."""


def on_starting(server: Any) -> None:
    """Start as configured. Workers ignore the signal until they handle it."""
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    descent_config.on_starting(server)


def post_worker_init(worker: Any) -> None:
    """Replace the gauge and the counting of requests at each signal, and put them back at the next."""
    from service.fastpath import predict  # noqa: PLC0415

    recorder = worker.wsgi.fast_path._recorder
    others = [NullGauge(), nothing]

    def switch(*_: Any) -> None:
        others[0], recorder.in_progress = recorder.in_progress, others[0]
        others[1], predict.PredictFastPath._count = predict.PredictFastPath._count, others[1]

    signal.signal(signal.SIGUSR2, switch)
