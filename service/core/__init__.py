"""The statistics and the descent: pure functions on numpy arrays."""
