"""Versions of models: `Store` is the contract, `FolderStore` keeps them in a folder."""

from service.store.base import Store, Tip, Version, check_name
from service.store.folder import FolderStore

__all__ = ["FolderStore", "Store", "Tip", "Version", "check_name"]
