"""Descent's gunicorn configuration, with nothing counted, timed or logged of its requests."""

from typing import Any

from service import gunicorn_conf
from service.gunicorn_conf import *  # noqa: F403


class Uncounted:
    """A gauge that does nothing."""

    def inc(self, _amount: float = 1) -> None:
        """Count nothing."""

    def dec(self, _amount: float = 1) -> None:
        """Count nothing."""


def nothing(*_: Any) -> None:
    """In the place of what tells of a request."""


def on_starting(server: Any) -> None:
    """Take away what tells of requests, and start as ever."""
    from service.api.quick import QuickWay  # noqa: PLC0415
    from service.api.record import Recorder  # noqa: PLC0415

    build = Recorder.__init__

    def build_uncounted(recorder: Recorder, *arguments: Any, **named: Any) -> None:
        build(recorder, *arguments, **named)
        recorder.in_progress = Uncounted()

    Recorder.__init__ = build_uncounted
    QuickWay._tell = nothing
    gunicorn_conf.on_starting(server)
