"""Serving: loaded versions and predictions."""
