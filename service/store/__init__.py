"""Storage of model versions in a folder."""

from service.store.base import Head, Version, check_name
from service.store.folder import Store

__all__ = ["Head", "Store", "Version", "check_name"]
