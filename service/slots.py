"""Numbered places for worker processes, so that what each counts goes on in the file of its place.

A worker takes the lowest place that no living process holds. The kernel frees a place when its holder dies, however it
dies, so files stay as few as the workers that ever ran at once, and counts survive kills and reloads.
"""

import fcntl
import os
from pathlib import Path

from prometheus_client import values

_held: dict[str, int] = {}


def take(folder: Path) -> int:
    """Take this process's place in `folder`, and let prometheus_client name its files by it."""
    number, descriptor = _lowest_free(folder)
    _held["slot"], _held["descriptor"] = number, descriptor
    for gauge in folder.glob(f"gauge_*_{number}.db"):  # what a killed holder left in progress is in progress no more
        gauge.unlink()
    values.ValueClass = values.MultiProcessValue(process_identifier=lambda: _held["slot"])
    return number


def _lowest_free(folder: Path) -> tuple[int, int]:
    number = 0
    while True:
        descriptor = os.open(folder / f"{number}.slot", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            number += 1
        else:
            return number, descriptor
