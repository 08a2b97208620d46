"""Serving: loaded versions and their predictions."""
