"""Conversions between media types and numpy arrays: one module per format, `arrays` and `table` shared by all."""
