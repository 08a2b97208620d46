"""Version numbers in a model's folder. A number without an artifact is used too: it is not given again."""

import os
import re
from contextlib import suppress
from pathlib import Path

from service.errors import StoreUnavailable
from service.store import durable_files
from service.store.durable_files import unavailable_on_error

NUMBER = re.compile(r"[1-9][0-9]{0,17}")
DELETED_NEWEST = "newest"
"""File with the number of the newest version, written when that version is deleted."""
TOMBSTONE = "keys"
"""File with the data kept of that version."""


def used(folder: Path) -> list[int]:
    """Return the numbers that name an entry of `folder`, ascending; empty if the folder is missing."""
    with unavailable_on_error(), suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        return sorted(int(entry.name) for entry in entries if NUMBER.fullmatch(entry.name))
    return []


def deleted_newest(folder: Path) -> int:
    """Return the highest number of a version that was deleted while it was the newest; 0 if there is none."""
    content = durable_files.content(folder / DELETED_NEWEST)
    try:
        return 0 if content is None else int(content)
    except ValueError:
        advice = "does not contain a version number; write the highest number ever used."
        raise StoreUnavailable(f"{folder.name}/{DELETED_NEWEST} {advice}") from None


def write_tombstone(folder: Path, number: int, tombstone: bytes) -> None:
    """Record that version `number` was the newest, unless a later one was deleted before."""
    if number > deleted_newest(folder):
        change = f"The deletion of version {number} of {folder.name!r} is prepared"
        durable_files.replace_durably(folder / TOMBSTONE, tombstone, change)  # ignored until the number is written
        durable_files.replace_durably(folder / DELETED_NEWEST, str(number).encode(), change)
