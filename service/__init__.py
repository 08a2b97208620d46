"""Descent: fits and serves linear models over HTTP."""

__version__ = "0.1.0"
