"""Measure one prediction in process: on the slow path, on the fast path, and in a batch.

make bench-in-process

There is no server and no socket. Metrics are counted in memory, and log lines are discarded. Times are medians.
Writes its part of docs/benchmarks.md.
"""

import gc
import io
import logging
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import numpy as np
from common import Row, machine, settle, table, write

from service.app import create_app
from service.fastpath.middleware import head_of
from service.observability import logs
from service.serving.loaded_model import LoadedModel
from service.settings import Settings

BODY = b'{"x": [5]}'
BATCHES = (1, 2, 4, 8, 16)
REPETITIONS = 51
CALLS = 64
LONG = 10**6
MOST = 40.0
SLOW = {"HTTP_CONTENT_ENCODING": "identity"}


def environ_of(more: dict[str, str]) -> dict[str, Any]:
    """Return the WSGI variables of a request."""
    return {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/predict",
        "QUERY_STRING": "",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(BODY)),
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(BODY),
        **more,
    }


def microseconds(function: Callable[[], object], calls: int = 1) -> float:
    """Return the median time of one of the `calls` that the function makes."""
    taken = []
    for _ in range(REPETITIONS):
        started = time.perf_counter()
        for _ in range(CALLS):
            function()
        taken.append((time.perf_counter() - started) / CALLS / calls * 1e6)
    return statistics.median(taken)


class Bench:
    """The app with a model in memory."""

    def __init__(self, store: str) -> None:
        self._app = create_app(Settings(store=store, store_refresh_seconds=LONG))
        client = self._app.test_client()
        client.post("/train", json={"x": [1, 2, 3], "y": [1, 2, 4]})
        client.post("/predict", json={"x": [1]})
        self._fast_path = self._app.fast_path
        self._match = self._fast_path.match(head_of(environ_of({})))

    def call(self, more: dict[str, str]) -> None:
        """Call the app as a server does."""
        list(self._app(environ_of(more), lambda *_: None))

    def batch(self, count: int) -> None:
        """Answer a batch as the worker does, whose heads are cached."""
        batch = [self._fast_path.prepare(self._match, "127.0.0.1", BODY, time.perf_counter()) for _ in range(count)]
        self._fast_path.execute(batch)
        self._fast_path.flush_log()

    def rows(self) -> Iterator[Row]:
        """Yield the rows of each path, of TorchScript's call alone, and of fast path without that call."""
        yield row("slow path", microseconds(lambda: self.call(SLOW)))
        yield row("fast path", microseconds(lambda: self.call({})), MOST)
        for count in BATCHES:
            name = f"fast path in the event loop, batch of {count}, each request"
            yield row(name, microseconds(lambda count=count: self.batch(count), count))
        x = np.array([[5.0]])
        loaded = self._app.extensions["descent"].predictor.model("default")
        yield row("TorchScript's call in a loop by itself", microseconds(lambda: loaded.forward(x)))
        y = loaded.forward(x)
        with patch.object(LoadedModel, "forward", lambda _self, _x: y):
            yield row("fast path without that call", microseconds(lambda: self.call({})))


def row(name: str, value: float, most: float | None = None) -> Row:
    """Return a row of the table."""
    if most is None:
        return Row(name, f"{value:.0f} µs")
    return Row(name, f"{value:.0f} µs", f"≤ {most:.0f} µs", value <= most)


def main() -> None:
    with tempfile.TemporaryDirectory() as store, open(os.devnull, "w") as nowhere:  # noqa: PTH123
        handler = logs.LogHandler(nowhere)
        handler.setFormatter(logs.LogFormatter(plain=False))
        logging.basicConfig(level="INFO", handlers=[handler])
        bench = Bench(store)
        gc.freeze()
        settle()
        text = f"{machine(('torch', 'flask'))}. Medians of {REPETITIONS} repetitions.\n\n{table(list(bench.rows()))}"
    write("make bench-in-process", text)
    print(text)


if __name__ == "__main__":
    main()
