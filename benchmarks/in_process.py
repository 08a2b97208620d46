"""What one row costs to predict in process: the ordinary way, the quick one, and that with others at the same time.

make bench-in-process

No server and no socket take part; metrics are counted, in memory, and lines of the log are written to nowhere. Medians.
"""

import gc
import io
import logging
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

from service import logs
from service.api import quick
from service.app import create_app
from service.settings import Settings

BODY = b'{"x": [5]}'
TOGETHER = (1, 2, 4, 8, 16)
REPETITIONS = 51
CALLS = 64
LONG = 10**6
ORDINARY = {"HTTP_CONTENT_ENCODING": "identity"}


def environ_of(more: dict[str, str]) -> dict[str, Any]:
    """A request as a server gives it to the app."""
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
    """The median time of one of the `calls` that the function makes."""
    taken = []
    for _ in range(REPETITIONS):
        started = time.perf_counter()
        for _ in range(CALLS):
            function()
        taken.append((time.perf_counter() - started) / CALLS / calls * 1e6)
    return statistics.median(taken)


def main() -> None:
    with tempfile.TemporaryDirectory() as store, open(os.devnull, "w") as nowhere:  # noqa: PTH123
        handler = logs.LineHandler(nowhere)
        handler.setFormatter(logs.JsonFormatter())
        logging.basicConfig(level="INFO", handlers=[handler])
        app = create_app(Settings(store=store, refresh_seconds=LONG))
        app.test_client().post("/train", json={"x": [1, 2, 3], "y": [1, 2, 4]})
        app.test_client().post("/predict", json={"x": [1]})
        gc.freeze()
        quick_way = quick.of(app)

        def call(more: dict[str, str]) -> None:
            list(app(environ_of(more), lambda *_: None))

        def together(count: int) -> None:
            asked = []
            for _ in range(count):
                environ = environ_of({})
                asked.append(quick_way.read(quick.recognised(environ), "127.0.0.1", BODY, time.perf_counter()))
            quick_way.answer(asked)

        print(f"by the ordinary way: {microseconds(lambda: call(ORDINARY)):.0f} µs")
        print(f"by the quick way: {microseconds(lambda: call({})):.0f} µs")
        for count in TOGETHER:
            took = microseconds(lambda count=count: together(count), count)
            print(f"past the app, {count} at the same time: {took:.0f} µs each")


if __name__ == "__main__":
    main()
