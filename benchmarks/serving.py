"""Predictions over HTTP, side by side: Descent, other servers, and an app that does nothing.

make bench [ROUNDS=5] [SECONDS=4] [ONLY="Descent,FastAPI"]

In each round every contender is started, asked for the right answer, loaded with each work and stopped again: so no
idle server takes part, and each round splits connections over processes anew. Every other round goes backwards. Ratios
are medians over the rounds. Writes its part of docs/benchmarks.md, and the plot beside it.
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


def questions() -> dict[int, list[float]]:
    """The rows of each work."""
    draw_from = random.Random(20)
    return {n: [draw_from.uniform(2, 11) for _ in range(n)] for n in ROWS}


def measure(contender: Contender, server: Server, x: list[float], folder: Path) -> Figures:
    """The figures of one work on a server that runs."""
    contender.check(server, x)
    work = Work(contender.path, contender.body(x))
    load(server, work, WARM_UP_SECONDS, folder)
    server.rest()  # a slow server is still at work on what the warm-up left
    return load(server, work, SECONDS, folder)


def turn(contender: Contender, place: Place) -> dict[int, Figures]:
    """One contender's part of a round."""
    settle()
    with contender.serving(place) as server:
        server.await_answer(contender.path, contender.body([1.0]))
        return {n: measure(contender, server, x, place.folder) for n, x in questions().items()}


def prepare(found: Found, folder: Path) -> dict[Contender, Place]:
    """The places of all that can be prepared."""
    places = {}
    for contender in LINEUP:
        if ONLY and contender.name not in ONLY.split(","):
            continue
        found.know(contender.name)
        try:
            places[contender] = contender.place(folder)
        except NotRun as reason:
            found.failed(contender.name, reason)
    return places


def rounds(places: dict[Contender, Place], found: Found) -> None:
    """All turns, round by round."""
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
    """A run in a few words."""
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
        print("Not written: not everybody was measured.")
        return 0
    draw(found)
    write("make bench", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
