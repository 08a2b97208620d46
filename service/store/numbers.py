"""The numbers in a model's folder. Those with an artifact are versions; the others are taken all the same."""

import os
import re
from pathlib import Path

from service.errors import StoreUnavailable
from service.store.files import unavailable

NUMBER = re.compile(r"[1-9][0-9]{0,17}")
NEWEST = "newest"
"""Holds the number of the newest version when that was deleted, so that it is not given again."""


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
    try:
        return int((folder / NEWEST).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return 0
    except ValueError:
        raise StoreUnavailable(f"{folder.name}/{NEWEST} does not hold a version's number.") from None
