"""Compare gunicorn's options for Descent: worker class, threads, HTTP parser, and keep-alive connections.

make bench-gunicorn [ROUNDS=2] [SECONDS=2] [ONLY="gthread 4 python"]

In each round every configuration is started and loaded with each kind of request. Every other round has the reverse
order. Writes its part of docs/benchmarks.md.
"""

import itertools
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from common import machine, settle, write
from contenders import APPS, Contender, Place
from environments import NotRun
from lineup import GUNICORN, train, with_servers
from load import Figures, Work, load, median, need_wrk
from servers import Server
from serving import rows_to_predict

ROUNDS = int(os.environ.get("ROUNDS", "2"))
SECONDS = int(os.environ.get("SECONDS", "2"))
ONLY = os.environ.get("ONLY", "")
CLIENTS = (1, 16, 256)
PACKAGES = ("torch", "flask", "gunicorn")


OWN_CLASS = "service.server.worker.worker.Worker"


class Configuration(NamedTuple):
    """A configuration of gunicorn."""

    worker_class: str
    threads: int
    parser: str

    def __str__(self) -> str:
        name = "Descent" if self.worker_class == OWN_CLASS else self.worker_class
        threads = f" {self.threads}" if self.worker_class in (OWN_CLASS, "gthread") else ""
        return f"{name}{threads} {self.parser}"


class Load(NamedTuple):
    """A kind of load."""

    rows: int
    keep_alive: bool
    clients: int


CONFIGURATIONS = (
    *(Configuration(OWN_CLASS, threads, "python") for threads in (1, 2, 4, 8)),
    Configuration(OWN_CLASS, 4, "fast"),
    *(Configuration("gthread", 4, parser) for parser in ("python", "fast")),
    *(Configuration(name, 1, "fast") for name in ("sync", "gevent")),
    Configuration("tornado", 1, "own"),
)
"""The class asgi runs no WSGI app. gevent_wsgi and gevent_pywsgi are gevent with gevent's server."""
LOADS = tuple(itertools.starmap(Load, itertools.product((1, 10_000), (True, False), CLIENTS)))
HEADS = (
    *("1 row, keep-alive", "1 row, closed", "10,000 rows, keep-alive", "10,000 rows, closed"),
    *("p99, ms, 1 row, keep-alive", "16 connections by worker"),
)
Found = dict[tuple[Configuration, Load], list[Figures]]


def contender(configuration: Configuration) -> Contender:
    """Return Descent under a configuration."""
    return Contender(
        str(configuration),
        APPS,
        lambda _: [*GUNICORN, "-c", str(APPS / "options_conf.py")],
        train,
        settings=lambda place: with_servers(place) | environment(configuration),
    )


def environment(configuration: Configuration) -> dict[str, str]:
    """Return the variables that apps/options_conf.py reads."""
    parser = configuration.parser if configuration.parser in ("python", "fast") else "python"
    return {
        "OPTION_CLASS": configuration.worker_class,
        "OPTION_THREADS": str(configuration.threads),
        "OPTION_PARSER": parser,
    }


def figures_of(server: Server, server_under_test: Contender, folder: Path) -> Iterator[tuple[Load, Figures]]:
    """Yield the figures of every load on a running server."""
    bodies = {n: server_under_test.body(x) for n, x in rows_to_predict().items()}
    server_under_test.check(server, rows_to_predict()[10_000])
    load(server, Work(server_under_test.path, bodies[1]), 1, folder)
    for each in LOADS:
        work = Work(server_under_test.path, bodies[each.rows], each.clients, each.keep_alive)
        try:
            yield each, load(server, work, SECONDS, folder)
        except NotRun as reason:
            print(f"{server_under_test.name}, {each}: {reason}", flush=True)


def turn(server_under_test: Contender, place: Place) -> list[tuple[Load, Figures]]:
    """Return the figures of one configuration in a round."""
    settle()
    with server_under_test.serving(place) as server:
        server.await_response(server_under_test.path, server_under_test.body([1.0]))
        return list(figures_of(server, server_under_test, place.folder))


def measure(folder: Path, configurations: list[Configuration]) -> Found:
    """Return the figures of every configuration under every load."""
    places = {configuration: contender(configuration).place(folder) for configuration in configurations}
    found: Found = {}
    for number in range(ROUNDS):
        for configuration in configurations if number % 2 == 0 else reversed(configurations):
            try:
                for each, figures in turn(contender(configuration), places[configuration]):
                    found.setdefault((configuration, each), []).append(figures)
            except NotRun as reason:
                print(f"{configuration}: {reason}", flush=True)
            print(f"{number + 1}/{ROUNDS} {line(found, configuration)}", flush=True)
    return found


def table(found: Found, configurations: list[Configuration]) -> Iterable[str]:
    """Yield the lines of the table."""
    yield f"| requests/s with {', '.join(map(str, CLIENTS))} clients | {' | '.join(HEADS)} |"
    yield "| --- |" + " ---: |" * len(HEADS)
    for configuration in configurations:
        yield line(found, configuration)


def line(found: Found, configuration: Configuration) -> str:
    """Return one configuration's line."""
    kinds = itertools.product((1, 10_000), (True, False))
    rates = [
        cell(found, configuration, [Load(n, keep_alive, clients) for clients in CLIENTS], "rate")
        for n, keep_alive in kinds
    ]
    p99 = cell(found, configuration, [Load(1, keep_alive=True, clients=clients) for clients in CLIENTS], "p99")
    return f"| {configuration} | {' | '.join(rates)} | {p99} | {splits(found, configuration)} |"


def splits(found: Found, configuration: Configuration) -> str:
    """Return how 16 connections were split over the workers in each round."""
    runs = found.get((configuration, Load(1, keep_alive=True, clients=16)), [])
    return ", ".join("+".join(map(str, figures.split)) for figures in runs) or "—"


def cell(found: Found, configuration: Configuration, loads: list[Load], field: str) -> str:
    """Return the medians under some loads."""
    runs = (found.get((configuration, each)) for each in loads)
    return " · ".join(f"{median(figures, field):,.0f}" if figures else "—" for figures in runs)


def main() -> int:
    need_wrk()
    configurations = [
        configuration for configuration in CONFIGURATIONS if not ONLY or str(configuration) in ONLY.split(",")
    ]
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), configurations)
    elsewhere = max((figures.elsewhere for runs in found.values() for figures in runs), default=0.0)
    how = f"{machine(PACKAGES)}. Medians of {ROUNDS} rounds of {SECONDS} s each"
    how += f"; other processes kept at most {elsewhere:.1f} cores busy in any of them."
    text = f"{how}\n\n" + "\n".join(table(found, configurations))
    print(text)
    if not ONLY:
        write("make bench-gunicorn", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
