"""The numbers in a model's folder. Those with an artifact are versions; the others are taken all the same."""

import os
import re
from pathlib import Path

from service.errors import StoreUnavailable
from service.store import durable_files
from service.store.durable_files import unavailable

NUMBER = re.compile(r"[1-9][0-9]{0,17}")
NEWEST = "newest"
"""Holds the number of the newest version when that was deleted, so that it is not given again."""
REMAINS = "keys"
"""Holds what is kept of that version."""


def taken(folder: Path) -> list[int]:
    """The numbers that something in `folder` is called by, ascending; none if it is not there."""
    try:
        with os.scandir(folder) as entries:
            return sorted(int(entry.name) for entry in entries if NUMBER.fullmatch(entry.name))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise unavailable(error) from error


def deleted_newest(folder: Path) -> int:
    """The number of the newest version that was deleted; 0 if none was."""
    content = durable_files.content(folder / NEWEST)
    try:
        return 0 if content is None else int(content)
    except ValueError:
        raise StoreUnavailable(f"{folder.name}/{NEWEST} does not hold a version's number.") from None


def tombstone(folder: Path) -> bytes:
    """What was kept of the newest version that was deleted."""
    return durable_files.content(folder / REMAINS) or b""


def keep_deleted(folder: Path, number: int, tombstone: bytes) -> None:
    """Keep that version `number` was the newest, and what remains of it, unless a later one was deleted before."""
    if number > deleted_newest(folder):
        durable_files.replace_durably(folder / REMAINS, tombstone)  # which count for nothing before the number is there
        durable_files.replace_durably(folder / NEWEST, str(number).encode())
