"""Versions of models as TorchScript files, and the columns they take."""
