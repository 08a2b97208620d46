"""gunicorn's configuration: `gunicorn -c python:service.server.config`.

Importing it reads the settings from the environment and changes nothing; gunicorn's hooks below change the process.
Raises InvalidSetting.
"""

import gc
import os
import resource
import shutil
import socket
import struct
import sys
from functools import partial
from pathlib import Path
from typing import Any

from service.observability import logs
from service.settings import Settings

MAX_OPEN_FILES = 4096
"""Open files of a worker: its connections and its own. Many shells allow 1,024."""
RESERVED_FILES = 64
"""Open files that connections leave to the worker for reading models and looking for versions."""
MAX_CONNECTIONS = 1000


def file_limit(wanted: int) -> int:
    """Return how many files this process may have open: at least `wanted`, unless the hard limit is lower."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    return max(soft, wanted if hard == resource.RLIM_INFINITY else min(wanted, hard))


def allow_files(wanted: int) -> None:
    """Raise the soft limit of open files to `file_limit(wanted)`. Workers inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (file_limit(wanted), hard))


settings = Settings.from_environment(os.environ)

wsgi_app = "service.server.application:build()"
bind = f"[{settings.host}]:{settings.port}" if ":" in settings.host else f"{settings.host}:{settings.port}"
workers = settings.workers + 1  # for long requests
threads = settings.threads
worker_connections = max(1, min(MAX_CONNECTIONS, file_limit(MAX_OPEN_FILES) - RESERVED_FILES))
graceful_timeout = settings.graceful_timeout_seconds
timeout = 120
keepalive = 75
logconfig_dict = logs.configuration(settings.log_level)
control_socket_disable = True


def worker_class() -> str:
    """Return the path of the worker's class. gunicorn calls this while it reads its configuration, which is before the
    first import of numpy and of prometheus_client."""
    prepare_process()
    return "service.server.worker.worker.Worker"


def prepare_process() -> None:
    """Set what must be set before the imports of numpy and prometheus_client, and pause the garbage collector until
    `on_starting` ends: it would visit a million new objects again and again, of which none is garbage."""
    for library in ("OPENBLAS", "OMP", "MKL"):  # one thread per BLAS call: workers and threads already use the cores
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    if not gc.get_freeze_count():  # else it is a reload
        gc.disable()
        os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)  # another service's; `on_starting` makes the folder


def on_starting(server: Any) -> None:
    """Import and run everything once before the fork, and make the folder of the metrics."""
    from gunicorn import util

    from service.errors import StoreUnavailable
    from service.observability import metrics_dir
    from service.server import error_page, warmup
    from service.store import Store

    allow_files(MAX_OPEN_FILES)
    util.write_error = error_page.write_problem
    try:
        swept = Store(Path(settings.store)).sweep()
    except StoreUnavailable as error:
        sys.exit(f"descent: DESCENT_STORE={settings.store!r}: {error}")
    if swept:
        server.log.warning("removed %d unfinished publications", swept)
    warmup.warm_up()
    gc.freeze()  # objects that the collector does not visit stay on pages that the workers share
    gc.enable()

    swept = metrics_dir.sweep()
    if swept:
        server.log.warning("removed the metrics of %d services that were killed", swept)
    server.metrics_folder = metrics_dir.make()
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(server.metrics_folder)
    for name in Settings.unknown(os.environ):
        server.log.warning("%s is not a setting of this service", name)


def when_ready(server: Any) -> None:
    """Set the clients' timeout on the listeners, and log the address of the service."""
    from service import __version__

    timeout = struct.pack("ll", settings.client_timeout_seconds, 0)
    for listener in server.LISTENERS:
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):  # of each receive and send of its connections
            listener.sock.setsockopt(socket.SOL_SOCKET, option, timeout)
        server.log.info("Descent %s at %s, with its documentation at %s/docs", __version__, listener, listener)


def pre_fork(server: Any, worker: Any) -> None:
    """Make one worker of each configuration the long-request worker, unless there is only one."""
    if hasattr(worker, "is_long_request_worker"):  # other classes of workers do not pass long requests on
        worker.is_long_request_worker = server.num_workers > 1 and (
            not any(other.is_long_request_worker for other in server.WORKERS.values() if other.cfg is worker.cfg)
        )


def nworkers_changed(server: Any, new_value: int, old_value: int | None) -> None:  # noqa: ARG001 - as gunicorn calls it
    """Change the age of the long-request worker, as gunicorn stops the oldest workers if there are too many.

    It is stopped last, because no other takes its place while there are enough workers; but first if one worker is to
    remain, which has to take all requests.
    """
    for worker in server.WORKERS.values():
        if worker.cfg is server.cfg and getattr(worker, "is_long_request_worker", False):
            server.worker_age += 1
            worker.age = server.worker_age if new_value > 1 else 0


def post_fork(server: Any, worker: Any) -> None:
    """Give the worker its files of metrics and its socket for long requests, before it builds the app."""
    from service.observability import worker_slots
    from service.server import application
    from service.server.worker.cpu_priority import NiceExecutor

    number = worker_slots.take(server.metrics_folder)
    worker.client_timeout_seconds = settings.client_timeout_seconds
    if hasattr(worker, "is_long_request_worker"):
        worker.join_long_workers(server.metrics_folder, number)
        if worker.is_long_request_worker:
            worker.app.load = partial(application.build, NiceExecutor)


def on_exit(server: Any) -> None:
    """Remove the folder of the metrics."""
    shutil.rmtree(server.metrics_folder, ignore_errors=True)
