"""The warm-up: one training and two predictions before the workers are forked.

No request waits for a compiler or a lazy import, and the workers share the memory that these fill.
"""

import io
import tempfile
from pathlib import Path
from typing import Any
from wsgiref.types import WSGIApplication
from wsgiref.util import setup_testing_defaults

from service.app import create_app
from service.formats import json
from service.settings import Settings
from service.store import FolderStore

LOG_NOTHING_MS = 10**9


def warm_up() -> None:
    """Train and predict in an app of its own over a temporary store; raises RuntimeError if a response is an error."""
    with tempfile.TemporaryDirectory(prefix="descent-warm-up-") as folder:
        store = FolderStore(Path(folder))
        app = create_app(Settings(log_min_duration_ms=LOG_NOTHING_MS), store=store)
        _post(app, "/train", {"x": [1, 2, 3], "y": [1, 2, 4]})
        _post(app, "/predict", {"x": [1, 2]})
        _post(app, "/predict", {"x": [1, 2]})  # on the fast path, now that the version is in memory
        store.close()


def _post(app: WSGIApplication, path: str, body: dict[str, Any]) -> None:
    data = json.encode(body)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "CONTENT_TYPE": json.MEDIA_TYPE,
        "CONTENT_LENGTH": str(len(data)),
        "wsgi.input": io.BytesIO(data),
    }
    setup_testing_defaults(environ)
    statuses: list[str] = []

    def start_response(status: str, _headers: Any, _error: Any = None, /) -> Any:
        statuses.append(status)

    response = b"".join(app(environ, start_response))
    if not statuses[0].startswith("2"):
        raise RuntimeError(f"the warm-up request {path} failed with {statuses[0]}: {response.decode()}")
