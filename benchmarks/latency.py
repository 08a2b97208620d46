"""Measure the latency of one-row predictions below the peak load, and the cost of metrics and logs.

wrk's connections pause before each request, independently and for an exponentially distributed time. wrk rounds pauses
to whole milliseconds, so its requests arrive in bunches. Connections that never pause give the peak.
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
from lineup import DESCENT, EMPTY_GRANIAN, GUNICORN
from load import CONNECTIONS, WARM_UP_SECONDS, Figures, Work, load
from servers import Server

SECONDS = int(os.environ.get("SECONDS", "4"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
TURNS = 6
BUSY_SECONDS = 20
PROBES = 3
SHORTEST_PAUSE = 0.05
ONE_ROW = b'{"x": [5.0]}'
SWITCHABLE = DESCENT._replace(
    name="Descent, with metrics and logs or without",
    command=lambda _: [*GUNICORN, "-c", str(APPS / "metrics_switch_conf.py")],
)


class Loaded(NamedTuple):
    """A running server and a folder for files of the load."""

    server: Server
    folder: Path

    def figures(self, pause: float = 0, seconds: int = SECONDS) -> Figures:
        """Return the figures of one run, with an average pause in milliseconds, or without pauses."""
        return load(self.server, Work("/predict", ONE_ROW, pause=pause), seconds, self.folder)

    def pause_for(self, rate: float) -> float:
        """Return the pause in milliseconds that gives a number of requests a second.

        The response and the load itself take a part of each connection's share, which depends on the rate.
        """
        share = 1e3 * CONNECTIONS / rate
        pause = share
        for _ in range(PROBES):
            beside = 1e3 * CONNECTIONS / self.figures(pause, seconds=1).rate - pause
            pause = max(share - beside, SHORTEST_PAUSE)
        return pause


@contextlib.contextmanager
def running(contender: Contender) -> Iterator[Loaded]:
    """Run a contender and warm it up."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with contender.serving(contender.place(folder)) as server:
            server.await_response("/predict", ONE_ROW)
            load(server, Work("/predict", ONE_ROW), WARM_UP_SECONDS, folder)
            settle()
            yield Loaded(server, folder)


class Training(NamedTuple):
    """The status of a training, or its error, and its duration."""

    status: int | str
    seconds: float


@contextlib.contextmanager
def training_beside(server: Server, body: bytes, media_type: str) -> Iterator[list[Training]]:
    """Run trainings one after another meanwhile, and yield the list of those that have ended."""
    ended: list[Training] = []
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
                ended.append(Training(str(error), time.monotonic() - started))
                return
            ended.append(Training(status, time.monotonic() - started))

    thread = threading.Thread(target=train)
    thread.start()
    try:
        yield ended
    finally:
        over.set()
        thread.join()


def at_half_load(loaded: Loaded, peak: float) -> Row:
    """Return the row of p99 against p50 at half of the peak."""
    value, text = spread(loaded, peak / 2)
    return Row(f"predict one row at half of the peak of {peak:,.0f}/s: p99 against p50", text, "≤ 3×", value <= 3)


def of_empty_app(rate: float) -> Row:
    """Return the same row for the empty app at the same rate, which shows the share of the load and the machine."""
    name = f"empty app at {rate:,.0f}/s, on granian: p99 against p50"
    try:
        with running(EMPTY_GRANIAN) as loaded:
            return Row(name, spread(loaded, rate)[1])
    except NotRun as reason:
        return Row(name, f"not run: {reason}")


def spread(loaded: Loaded, rate: float) -> tuple[float, str]:
    """Return p99 divided by p50 at a rate, and the text of the figures."""
    pause = loaded.pause_for(rate)
    runs = [loaded.figures(pause) for _ in range(ROUNDS)]
    value = statistics.median(run.p99 / run.p50 for run in runs)
    text = ", ".join(f"{run.p50:.2f} and {run.p99:.2f} ms at {run.rate:,.0f}/s" for run in runs)
    return value, f"{value:.2f}× ({text})"


def beside_training(loaded: Loaded, peak: float, body: bytes, media_type: str) -> Row:
    """Return the row of p99 beside trainings against p99 without them."""
    ratios, texts = [], []
    pause = loaded.pause_for(peak / 4)
    for _ in range(ROUNDS):
        alone = loaded.figures(pause)
        with training_beside(loaded.server, body, media_type) as ended:
            beside = loaded.figures(pause)
        check(ended)
        ratios.append(beside.p99 / alone.p99)
        texts.append(f"{alone.p99:.2f} and {beside.p99:.2f} ms at {alone.rate:,.0f} and {beside.rate:,.0f}/s")
    value = statistics.median(ratios)
    name = (
        "predict one row at a quarter of the peak, beside trainings on 10,000,000 rows in Arrow: p99 against p99 alone"
    )
    return Row(name, f"{value:.1f}× ({', '.join(texts)})", "≤ 3×", value <= 3)


def at_peak(loaded: Loaded, body: bytes, media_type: str) -> Row:
    """Return the row of the duration of trainings while predictions use all cores."""
    loaded.figures(seconds=1)
    with training_beside(loaded.server, body, media_type) as ended:
        figures = loaded.figures(seconds=BUSY_SECONDS)
    check(ended)  # the last one ends after the load, but may have waited during all of it
    seconds = ", ".join(f"{each.seconds:.1f}" for each in ended)
    name = "train on 10,000,000×1 in Arrow beside predictions at their peak"
    median = statistics.median(each.seconds for each in ended)
    text = f"{median:.1f} s ({seconds} s, beside {figures.rate:,.0f} predictions/s)"
    return Row(name, text, "≤ 6 s", median <= 6)


def check(ended: list[Training]) -> None:
    """Raise NotRun unless at least one training ended and all were published."""
    if {each.status for each in ended} != {http.client.CREATED}:
        raise NotRun(f"trainings failed: {ended}")


def cost_of_metrics_and_logs() -> Row:
    """Return the row of the peak with metrics and logs against the peak without them.

    The same processes alternate each second, because the speed of the machine changes within seconds, and that of a
    service from start to start, by more than the difference to measure.
    """
    rounds = []
    for _ in range(ROUNDS):
        with running(SWITCHABLE) as loaded:
            switch = Switch(loaded.server)
            pairs = [turns(loaded, switch, recorded_first=number % 2 == 0) for number in range(TURNS)]
        rounds.append([statistics.median(each) for each in zip(*pairs, strict=True)])
        rounds[-1].append(statistics.median(a / b for a, b in pairs))
    value = statistics.median(ratio for _, _, ratio in rounds)
    rates = ", ".join(f"{a:,.0f} and {b:,.0f}/s" for a, b, _ in rounds)
    name = "predict one row: the peak with metrics and logs, against that without"
    return Row(name, f"{value:.2f}× ({rates})", "≥ 0.9×", value >= 0.9)


class Switch:
    """Switch metrics and logs of the workers on and off."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._is_on = True

    def to(self, *, is_on: bool) -> None:
        """Switch metrics and logs with a signal. A process may miss one of two signals in quick succession."""
        if is_on is not self._is_on:
            self._is_on = is_on
            for pid in self._server.pids() - {self._server.process.pid}:
                os.kill(pid, signal.SIGUSR2)


def turns(loaded: Loaded, switch: Switch, *, recorded_first: bool) -> tuple[float, float]:
    """Return the peak with metrics and logs, and the peak without them."""
    found = {}
    for is_recorded in (recorded_first, not recorded_first):
        switch.to(is_on=is_recorded)
        before = size_at_rest(loaded.server.log)
        found[is_recorded] = loaded.figures(seconds=1).rate
        logged = loaded.server.log.stat().st_size - before
        if (logged > found[is_recorded]) is not is_recorded:  # a few requests take the slow path, to refresh the store
            raise NotRun("the service did not switch metrics and logs")
    return found[True], found[False]


def size_at_rest(log: Path) -> int:
    """Return the size of a log once it no longer grows: the last lines may follow the last responses."""
    size = -1
    while size != (size := log.stat().st_size):
        time.sleep(0.05)
    return size


def latency_rows(body: bytes, media_type: str) -> Iterator[Row]:
    """Yield all rows; `body` is the body of trainings beside predictions."""
    with running(DESCENT) as loaded:
        peak = statistics.median(loaded.figures().rate for _ in range(3))
        yield at_half_load(loaded, peak)
        yield beside_training(loaded, peak, body, media_type)
        yield at_peak(loaded, body, media_type)
    yield of_empty_app(peak / 2)
    yield cost_of_metrics_and_logs()
