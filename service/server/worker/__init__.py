"""The gunicorn worker: an event loop that batches fast-path predictions."""
