"""The warm-up: one training and two predictions before the workers are forked.

No request waits for a compiler or a lazy import, and the workers share the memory that these fill.
"""

import tempfile
from pathlib import Path

from service.app import create_app
from service.settings import Settings
from service.store import Store

LOG_NOTHING_MS = 10**9
REQUESTS = (
    ("/train", {"x": [1, 2, 3], "y": [1, 2, 4]}),
    ("/predict", {"x": [1, 2]}),
    ("/predict", {"x": [1, 2]}),  # on the fast path, now that the version is in memory
)


def warm_up() -> None:
    """Train and predict in an app of its own over a temporary store; raises RuntimeError if a response is an error."""
    with tempfile.TemporaryDirectory(prefix="descent-warm-up-") as folder:
        store = Store(Path(folder))
        client = create_app(Settings(log_min_duration_ms=LOG_NOTHING_MS), store=store).test_client()
        for path, body in REQUESTS:
            response = client.post(path, json=body)
            if response.status_code >= 300:
                raise RuntimeError(f"the warm-up request {path} failed with {response.status}: {response.text}")
        store.close()
