"""How long one row takes to predict, under less than the most load; and what telling of requests costs.

Loads are wrk's, from connections that wait before each request, independently and for an exponentially distributed
time, of which wrk knows whole milliseconds only: requests come more bunched than those of as many clients would.
Peaks are those of connections that never wait.
"""

import contextlib
import http.client
import os
import signal
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from common import Row, settle
from contenders import APPS, Contender
from environments import NotRun
from lineup import DESCENT, GUNICORN, NOTHING_GRANIAN
from load import CONNECTIONS, WARM_UP_SECONDS, Figures, Work, load
from servers import Server

SECONDS = int(os.environ.get("SECONDS", "4"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
TURNS = 6
BUSY_SECONDS = 20
PROBES = 3
SHORTEST_PAUSE = 0.05
ONE_ROW = b'{"x": [5.0]}'
SWITCHED = DESCENT._replace(
    name="Descent, with metrics and logs or without",
    command=lambda _: [*GUNICORN, "-c", str(APPS / "switched_conf.py")],
)


class Loaded(NamedTuple):
    """A running server, and a folder for the load's files."""

    server: Server
    folder: Path

    def figures(self, pause: float = 0, seconds: int = SECONDS) -> Figures:
        """Those of one run, with pauses of so many milliseconds on average, or as fast as it goes."""
        return load(self.server, Work("/predict", ONE_ROW, pause=pause), seconds, self.folder)

    def pause_for(self, rate: float) -> float:
        """The pause that makes so many requests a second: what is left of each one's share beside its answer and the
        load's own time, which take longer at other rates."""
        share = 1e3 * CONNECTIONS / rate
        pause = share
        for _ in range(PROBES):
            beside = 1e3 * CONNECTIONS / self.figures(pause, seconds=1).rate - pause
            pause = max(share - beside, SHORTEST_PAUSE)
        return pause


@contextlib.contextmanager
def running(contender: Contender) -> Iterator[Loaded]:
    """A contender that has warmed up."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with contender.serving(contender.place(folder)) as server:
            server.await_answer("/predict", ONE_ROW)
            load(server, Work("/predict", ONE_ROW), WARM_UP_SECONDS, folder)
            settle()
            yield Loaded(server, folder)


class Ended(NamedTuple):
    """A training's status, or what went wrong with it, and how long it took."""

    status: int | str
    seconds: float


@contextlib.contextmanager
def training_beside(server: Server, body: bytes, media_type: str) -> Iterator[list[Ended]]:
    """Trainings one after another meanwhile, of which those that have ended are told."""
    ended: list[Ended] = []
    over = threading.Event()

    def train() -> None:
        while not over.is_set():
            started = time.monotonic()
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
            try:
                with contextlib.closing(connection):
                    connection.request("POST", "/train?model=other", body, {"Content-Type": media_type})
                    status = connection.getresponse().status
            except (OSError, http.client.HTTPException) as error:
                ended.append(Ended(str(error), time.monotonic() - started))
                return
            ended.append(Ended(status, time.monotonic() - started))

    thread = threading.Thread(target=train)
    thread.start()
    try:
        yield ended
    finally:
        over.set()
        thread.join()


def at_half_load(loaded: Loaded, peak: float) -> Row:
    """The slow answers against the usual ones."""
    value, told = spread(loaded, peak / 2)
    return Row(f"predict one row at half of the peak of {peak:,.0f}/s: p99 against p50", told, "≤ 3×", value <= 3)


def of_nothing(rate: float) -> Row:
    """The same for an app that does nothing, at the same rate: what the load and the machine make of it."""
    what = f"answer with nothing at {rate:,.0f}/s, on granian: p99 against p50"
    try:
        with running(NOTHING_GRANIAN) as loaded:
            return Row(what, spread(loaded, rate)[1])
    except NotRun as reason:
        return Row(what, f"not run: {reason}")


def spread(loaded: Loaded, rate: float) -> tuple[float, str]:
    """p99 against p50 at a rate, and the figures that it comes from."""
    pause = loaded.pause_for(rate)
    runs = [loaded.figures(pause) for _ in range(ROUNDS)]
    value = statistics.median(run.p99 / run.p50 for run in runs)
    told = ", ".join(f"{run.p50:.2f} and {run.p99:.2f} ms at {run.rate:,.0f}/s" for run in runs)
    return value, f"{value:.2f}× ({told})"


def beside_training(loaded: Loaded, peak: float, body: bytes, media_type: str) -> Row:
    """Slow answers with a training beside them, against those without."""
    ratios, told = [], []
    pause = loaded.pause_for(peak / 4)
    for _ in range(ROUNDS):
        alone = loaded.figures(pause)
        with training_beside(loaded.server, body, media_type) as ended:
            beside = loaded.figures(pause)
        check(ended)
        ratios.append(beside.p99 / alone.p99)
        told.append(f"{alone.p99:.2f} and {beside.p99:.2f} ms at {alone.rate:,.0f} and {beside.rate:,.0f}/s")
    value = statistics.median(ratios)
    what = (
        "predict one row at a quarter of the peak, beside trainings on 10,000,000 rows in Arrow: p99 against p99 alone"
    )
    return Row(what, f"{value:.1f}× ({', '.join(told)})", "≤ 3×", value <= 3)


def at_peak(loaded: Loaded, body: bytes, media_type: str) -> Row:
    """How long trainings take while predictions leave nothing of the cores."""
    loaded.figures(seconds=1)
    with training_beside(loaded.server, body, media_type) as ended:
        figures = loaded.figures(seconds=BUSY_SECONDS)
    check(ended)  # the last one ends beside nothing, but may have been kept waiting all the time
    told = ", ".join(f"{each.seconds:.1f}" for each in ended)
    what = "train on 10,000,000×1 in Arrow beside predictions at their peak"
    median = statistics.median(each.seconds for each in ended)
    return Row(what, f"{median:.1f} s ({told} s, beside {figures.rate:,.0f} predictions/s)")


def check(ended: list[Ended]) -> None:
    """NotRun unless some trainings ended, and all of them well."""
    if {each.status for each in ended} != {http.client.CREATED}:
        raise NotRun(f"the trainings were answered {ended}")


def cost_of_telling() -> Row:
    """The peak with metrics and logs, against that without: of the same processes, in turns of a second, because the
    machine's own speed changes within seconds, and that of a service from start to start, by more than what is to be
    seen."""
    rounds = []
    for _ in range(ROUNDS):
        with running(SWITCHED) as loaded:
            switch = Switch(loaded.server)
            pairs = [turns(loaded, switch, told_first=number % 2 == 0) for number in range(TURNS)]
        rounds.append([statistics.median(rates) for rates in zip(*pairs, strict=True)])
        rounds[-1].append(statistics.median(a / b for a, b in pairs))
    value = statistics.median(ratio for _, _, ratio in rounds)
    rates_told = ", ".join(f"{a:,.0f} and {b:,.0f}/s" for a, b, _ in rounds)
    what = "predict one row: the peak with metrics and logs, against that without"
    return Row(what, f"{value:.2f}× ({rates_told})", "≥ 0.9×", value >= 0.9)


class Switch:
    """Whether the workers tell of requests."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._is_on = True

    def to(self, *, is_on: bool) -> None:
        """Have them tell, or stop telling. Of two signals right after each other a process may see one."""
        if is_on is not self._is_on:
            self._is_on = is_on
            for pid in self._server.pids() - {self._server.process.pid}:
                os.kill(pid, signal.SIGUSR2)


def turns(loaded: Loaded, switch: Switch, *, told_first: bool) -> tuple[float, float]:
    """The peak with metrics and logs, and that without."""
    found = {}
    for is_told in (told_first, not told_first):
        switch.to(is_on=is_told)
        before = size_at_rest(loaded.server.log)
        found[is_told] = loaded.figures(seconds=1).rate
        logged = loaded.server.log.stat().st_size - before
        if (logged > found[is_told]) is not is_told:  # a few are the ordinary way's, which look at the store
            raise NotRun("the service did not change whether it tells of requests")
    return found[True], found[False]


def size_at_rest(log: Path) -> int:
    """The size of a log once nobody writes to it: the last lines may come after the last answers."""
    size = -1
    while size != (size := log.stat().st_size):
        time.sleep(0.05)
    return size


def answer_times(body: bytes, media_type: str) -> Iterator[Row]:
    """All rows; `body` is what is trained on beside predictions."""
    with running(DESCENT) as loaded:
        peak = statistics.median(loaded.figures().rate for _ in range(3))
        yield at_half_load(loaded, peak)
        yield beside_training(loaded, peak, body, media_type)
        yield at_peak(loaded, body, media_type)
    yield of_nothing(peak / 2)
    yield cost_of_telling()
