"""Sufficient statistics, gradient descent in closed form and inference: pure functions on numpy arrays."""
