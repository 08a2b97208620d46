"""What gunicorn's choices do for Descent: worker class, threads, HTTP parser, and connections kept or closed.

make bench-gunicorn [ROUNDS=2] [SECONDS=2] [ONLY="gthread 4 python"]

Each choice is started and loaded with every work in turn, round by round, every other round backwards. Writes its part
of docs/benchmarks.md.
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
from serving import questions

ROUNDS = int(os.environ.get("ROUNDS", "2"))
SECONDS = int(os.environ.get("SECONDS", "2"))
ONLY = os.environ.get("ONLY", "")
CLIENTS = (1, 16, 256)
PACKAGES = ("torch", "flask", "gunicorn")


OURS = "service.server.worker.worker.Worker"


class Choice(NamedTuple):
    """One way to configure gunicorn."""

    worker_class: str
    threads: int
    parser: str

    def __str__(self) -> str:
        name = "ours" if self.worker_class == OURS else self.worker_class
        threads = f" {self.threads}" if self.worker_class in (OURS, "gthread") else ""
        return f"{name}{threads} {self.parser}"


class Load(NamedTuple):
    """One way to load it."""

    rows: int
    keep_alive: bool
    clients: int


CHOICES = (
    *(Choice(OURS, threads, "python") for threads in (1, 2, 4, 8)),
    Choice(OURS, 4, "fast"),
    *(Choice("gthread", 4, parser) for parser in ("python", "fast")),
    *(Choice(name, 1, "fast") for name in ("sync", "gevent")),
    Choice("tornado", 1, "tornado's"),
)
"""gunicorn's asgi runs no WSGI app; its gevent_wsgi and gevent_pywsgi are gevent with a server of gevent's own."""
LOADS = tuple(itertools.starmap(Load, itertools.product((1, 10_000), (True, False), CLIENTS)))
HEADS = (
    *("1 row, kept", "1 row, closed", "10,000 rows, kept", "10,000 rows, closed"),
    *("p99, ms, 1 row, kept", "16 kept connections by worker"),
)
Found = dict[tuple[Choice, Load], list[Figures]]


def contender(choice: Choice) -> Contender:
    """Descent under a choice."""
    return Contender(
        str(choice),
        APPS,
        lambda _: [*GUNICORN, "-c", str(APPS / "choices_conf.py")],
        train,
        settings=lambda place: with_servers(place) | environment(choice),
    )


def environment(choice: Choice) -> dict[str, str]:
    """What apps/choices_conf.py reads."""
    parser = choice.parser if choice.parser in ("python", "fast") else "python"
    return {"CHOICE_CLASS": choice.worker_class, "CHOICE_THREADS": str(choice.threads), "CHOICE_PARSER": parser}


def figures_of(server: Server, asked: Contender, folder: Path) -> Iterator[tuple[Load, Figures]]:
    """The figures of every load on a server that runs."""
    bodies = {n: asked.body(x) for n, x in questions().items()}
    asked.check(server, questions()[10_000])
    load(server, Work(asked.path, bodies[1]), 1, folder)
    for each in LOADS:
        work = Work(asked.path, bodies[each.rows], each.clients, each.keep_alive)
        try:
            yield each, load(server, work, SECONDS, folder)
        except NotRun as reason:
            print(f"{asked.name}, {each}: {reason}", flush=True)


def turn(asked: Contender, place: Place) -> list[tuple[Load, Figures]]:
    """One choice's part of a round."""
    settle()
    with asked.serving(place) as server:
        server.await_answer(asked.path, asked.body([1.0]))
        return list(figures_of(server, asked, place.folder))


def measure(folder: Path, choices: list[Choice]) -> Found:
    """Every choice under every load."""
    places = {choice: contender(choice).place(folder) for choice in choices}
    found: Found = {}
    for number in range(ROUNDS):
        for choice in choices if number % 2 == 0 else reversed(choices):
            try:
                for each, figures in turn(contender(choice), places[choice]):
                    found.setdefault((choice, each), []).append(figures)
            except NotRun as reason:
                print(f"{choice}: {reason}", flush=True)
            print(f"{number + 1}/{ROUNDS} {line(found, choice)}", flush=True)
    return found


def table(found: Found, choices: list[Choice]) -> Iterable[str]:
    """The page's table."""
    yield f"| requests/s with {', '.join(map(str, CLIENTS))} clients | {' | '.join(HEADS)} |"
    yield "| --- |" + " ---: |" * len(HEADS)
    for choice in choices:
        yield line(found, choice)


def line(found: Found, choice: Choice) -> str:
    """One choice's row."""
    kinds = itertools.product((1, 10_000), (True, False))
    rates = [cell(found, choice, [Load(n, kept, clients) for clients in CLIENTS], "rate") for n, kept in kinds]
    p99 = cell(found, choice, [Load(1, keep_alive=True, clients=clients) for clients in CLIENTS], "p99")
    return f"| {choice} | {' | '.join(rates)} | {p99} | {splits(found, choice)} |"


def splits(found: Found, choice: Choice) -> str:
    """How sixteen connections were split over the workers, each time."""
    runs = found.get((choice, Load(1, keep_alive=True, clients=16)), [])
    return ", ".join("+".join(map(str, figures.split)) for figures in runs) or "—"


def cell(found: Found, choice: Choice, loads: list[Load], field: str) -> str:
    """Medians under a few loads."""
    runs = (found.get((choice, each)) for each in loads)
    return " · ".join(f"{median(figures, field):,.0f}" if figures else "—" for figures in runs)


def main() -> int:
    need_wrk()
    choices = [choice for choice in CHOICES if not ONLY or str(choice) in ONLY.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), choices)
    elsewhere = max((figures.elsewhere for runs in found.values() for figures in runs), default=0.0)
    how = f"{machine(PACKAGES)}. Medians of {ROUNDS} rounds of {SECONDS} s each"
    how += f"; other processes kept at most {elsewhere:.1f} cores busy in any of them."
    text = f"{how}\n\n" + "\n".join(table(found, choices))
    print(text)
    if not ONLY:
        write("make bench-gunicorn", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
