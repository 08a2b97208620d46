"""The fast path: predictions of small JSON bodies without Flask."""
