"""Compare predictions over HTTP: Descent, other servers, and an empty app.

make bench [ROUNDS=5] [SECONDS=4] [ONLY="Descent,FastAPI"]

In each round every contender is started, checked, loaded with each kind of request and stopped. So no idle server uses
the machine, and connections are split over processes anew. Every other round has the reverse order. Ratios are medians
over the rounds. Writes its part of docs/benchmarks.md and the plot.
"""

import os
import random
import sys
import tempfile
from pathlib import Path

from common import settle, write
from contenders import Contender, Place
from environments import NotRun
from lineup import LINEUP
from load import WARM_UP_SECONDS, Figures, Work, load, need_wrk
from servers import Server
from serving_page import Found, draw, page

ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECONDS = int(os.environ.get("SECONDS", "4"))
ONLY = os.environ.get("ONLY", "")
ROWS = (1, 10_000)


def rows_to_predict() -> dict[int, list[float]]:
    """Return the rows of each kind of request."""
    draw_from = random.Random(20)
    return {n: [draw_from.uniform(2, 11) for _ in range(n)] for n in ROWS}


def measure(contender: Contender, server: Server, x: list[float], folder: Path) -> Figures:
    """Return the figures of one kind of request on a running server."""
    contender.check(server, x)
    work = Work(contender.path, contender.body(x))
    load(server, work, WARM_UP_SECONDS, folder)
    server.rest()  # a slow server may still process requests of the warm-up
    return load(server, work, SECONDS, folder)


def turn(contender: Contender, place: Place) -> dict[int, Figures]:
    """Return the figures of one contender in a round."""
    settle()
    with contender.serving(place) as server:
        server.await_response(contender.path, contender.body([1.0]))
        return {n: measure(contender, server, x, place.folder) for n, x in rows_to_predict().items()}


def prepare(found: Found, folder: Path) -> dict[Contender, Place]:
    """Return the places of all contenders that can be prepared."""
    places = {}
    for contender in LINEUP:
        if ONLY and contender.name not in ONLY.split(","):
            continue
        found.register(contender.name)
        try:
            places[contender] = contender.place(folder)
        except NotRun as reason:
            found.failed(contender.name, reason)
    return places


def rounds(places: dict[Contender, Place], found: Found) -> None:
    """Run all rounds."""
    for number in range(ROUNDS):
        for contender in list(places) if number % 2 == 0 else reversed(places):
            try:
                figures = turn(contender, places[contender])
            except NotRun as reason:
                found.failed(contender.name, reason)
                figures = {}
            found.add(contender.name, number, figures)
            print(f"{number + 1}/{ROUNDS} {contender.name}", *map(summary, figures.values()), sep="  ", flush=True)


def summary(figures: Figures) -> str:
    """Return a run in one line."""
    split = "+".join(map(str, figures.split))
    return f"{figures.rate:,.0f}/s, p50 {figures.p50:.1f} ms, p99 {figures.p99:.1f} ms, {split} connections"


def main() -> int:
    need_wrk()
    found = Found(ROWS, ROUNDS, SECONDS)
    with tempfile.TemporaryDirectory() as folder:
        rounds(prepare(found, Path(folder)), found)
    text = page(found)
    print(text)
    if ONLY:
        print("Not written to docs/benchmarks.md, because ONLY excludes contenders.")
        return 0
    draw(found)
    write("make bench", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
