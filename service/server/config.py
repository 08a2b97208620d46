"""How gunicorn serves Descent: `gunicorn -c python:service.server.config`. The settings are those of
service/settings.py."""

import gc
import os
import resource
import shutil
import sys
from functools import partial
from pathlib import Path
from typing import Any

# While everything is imported, which begins when gunicorn looks for its worker's class, the collector would look again
# and again at a million new objects, of which none is garbage. It is enabled before the fork; a reload comes after it.
if not gc.get_freeze_count():
    gc.disable()
    os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)  # somebody else's: the folder of this service is made below

# One thread per BLAS call: the workers' processes and threads already use the cores. Read when numpy is imported.
for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

from gunicorn import util  # noqa: E402

from service.observability import logs  # noqa: E402
from service.server.worker import fd_passing  # noqa: E402
from service.settings import InvalidSetting, Settings  # noqa: E402

try:
    settings = Settings.from_environment(os.environ)
except InvalidSetting as error:
    sys.exit(f"descent: {error}")

wsgi_app = "service.server.application:build()"
bind = f"[{settings.host}]:{settings.port}" if ":" in settings.host else f"{settings.host}:{settings.port}"
workers = settings.workers + fd_passing.IS_POSSIBLE
worker_class = "service.server.worker.worker.Worker"
threads = settings.threads
graceful_timeout = settings.graceful_timeout_seconds
timeout = 120
keepalive = 75
logconfig_dict = logs.configuration(settings.log_level)
control_socket_disable = True


FILES = 4096
"""What a worker's connections and its own files may need; many shells allow 1,024."""
OWN_FILES = 64
"""What is left for a worker's own where connections have all others: models are read, and versions looked for."""
CONNECTIONS = 1000


def allow_files(wanted: int) -> int:
    """Let this process and its workers open so many files, or as many as they may be allowed; how many that are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    possible = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if resource.RLIM_INFINITY != soft < possible:
        resource.setrlimit(resource.RLIMIT_NOFILE, (possible, hard))
        return possible
    return wanted if soft == resource.RLIM_INFINITY else soft


worker_connections = max(1, min(CONNECTIONS, allow_files(FILES) - OWN_FILES))


def on_starting(server: Any) -> None:
    """Import and try everything once, before the fork; and make an empty folder for what the workers count."""
    from service.errors import StoreUnavailable
    from service.observability import metrics_dir
    from service.server import error_page as answers
    from service.server import warmup
    from service.store import FolderStore

    util.write_error = answers.write_problem

    try:
        swept = FolderStore(Path(settings.store)).sweep()
    except StoreUnavailable as error:
        sys.exit(f"descent: DESCENT_STORE={settings.store!r}: {error}")
    if swept:
        server.log.warning("swept %d unfinished publications", swept)
    warmup.warm_up()
    gc.freeze()  # what the collector does not visit stays on pages that the workers share
    gc.enable()

    swept = metrics_dir.sweep()
    if swept:
        server.log.warning("swept the metrics of %d services that were killed", swept)
    server.metrics_folder = metrics_dir.make()
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(server.metrics_folder)
    for name in Settings.unknown(os.environ):
        server.log.warning("%s is not a setting of this service", name)


def when_ready(server: Any) -> None:
    """Bound how long a client may hold a thread without sending or taking anything, and say where the service is."""
    from service import __version__
    from service.server.error_page import limit_waits

    for listener in server.LISTENERS:
        limit_waits(listener.sock, settings.client_timeout_seconds)
        server.log.info("Descent %s at %s, with its documentation at %s/docs", __version__, listener, listener)


def hands_over(worker: Any) -> bool:
    """Whether long requests are handed over: by this service's class of worker, in whose place another can be asked
    for."""
    from service.server.worker.worker import Worker

    return fd_passing.IS_POSSIBLE and isinstance(worker, Worker)


def pre_fork(server: Any, worker: Any) -> None:
    """Of the workers with the same configuration, one takes long requests, if it is not the only one."""
    if hands_over(worker):
        others = [other for other in server.WORKERS.values() if other.cfg is worker.cfg]
        worker.is_long_request_worker = server.num_workers > 1 and not any(
            other.is_long_request_worker for other in others
        )


def nworkers_changed(server: Any, new_value: int, old_value: int | None) -> None:  # noqa: ARG001 - as gunicorn calls it
    """gunicorn ends the oldest workers where they are too many. The one that takes long requests is to be the last of
    them, as nobody follows it while there are enough; but the first if one is to stay, which has to take all."""
    for worker in server.WORKERS.values():
        if worker.cfg is server.cfg and getattr(worker, "is_long_request_worker", False):
            server.worker_age += 1
            worker.age = server.worker_age if new_value > 1 else 0


def post_fork(server: Any, worker: Any) -> None:
    """Give the worker its place among the files of metrics and doors, before it builds the app."""
    from service.observability import worker_slots
    from service.server import application
    from service.server.worker.cpu_priority import IdleCpuEstimator

    number = worker_slots.take(server.metrics_folder)
    worker.client_timeout_seconds = settings.client_timeout_seconds
    if hands_over(worker):
        worker.join_long_workers(server.metrics_folder, number)
        if worker.is_long_request_worker:
            worker.build_app = partial(application.build, IdleCpuEstimator())


def on_exit(server: Any) -> None:
    """Take the metrics' folder away."""
    shutil.rmtree(server.metrics_folder, ignore_errors=True)
