"""Storage of model versions: the `Store` protocol and `FolderStore`, which keeps them in a folder."""

from service.store.base import Head, Store, Version, check_name
from service.store.folder import FolderStore

__all__ = ["FolderStore", "Head", "Store", "Version", "check_name"]
