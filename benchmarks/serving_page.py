"""The output of `make bench`: targets, tables and the plot."""

import math
from collections.abc import Iterable

from common import ROOT, machine
from environments import NotRun
from load import Figures, median, ratio

PLOT = ROOT / "docs/benchmarks-serving.svg"
PACKAGES = ("torch", "flask", "gunicorn")
ONE, MANY = 1, 10_000
NOT_PEERS = ("Descent", "empty app", "Descent on granian", "empty app on granian", "FastAPI on granian")
TARGETS = (
    (ONE, "Descent", "empty app", 0.6),
    (ONE, "Descent", "FastAPI", 1.5),
    (ONE, "Descent", "MLServer", 5.0),
    (ONE, "Descent", "MLServer with batches", 5.0),
    (ONE, "Descent", "BentoML", 5.0),
    (ONE, "Descent", "TorchServe", 5.0),
    (ONE, "Descent", "TorchServe with batches", 5.0),
    (ONE, "Descent", "MLflow", 5.0),
    (ONE, "Descent", "LitServe", None),
    (ONE, "Descent on granian", "FastAPI", 3.0),
    (ONE, "Descent on granian", "FastAPI on granian", None),
    (ONE, "Descent on granian", "empty app on granian", None),
    (MANY, "Descent", "FastAPI", 5.0),
    (MANY, "Descent", "the fastest peer", 3.0),
    (MANY, "Descent", "empty app", None),
)
"""Rows, the contender, its opponent, and the smallest ratio that reaches the target."""
Runs = list[Figures | None]


class Found:
    """The measurements so far."""

    def __init__(self, rows: tuple[int, ...], rounds: int, seconds: int) -> None:
        self.rows, self.rounds, self.seconds = rows, rounds, seconds
        self.reasons: dict[str, str] = {}
        self._runs: dict[tuple[str, int], Runs] = {}
        self.names: list[str] = []

    def failed(self, name: str, reason: NotRun) -> None:
        """Record why a contender has no figures."""
        self.register(name)
        self.reasons[name] = str(reason).replace(str(ROOT), ".").replace("|", "/")
        print(f"{name}: {reason}", flush=True)

    def add(self, name: str, number: int, figures: dict[int, Figures]) -> None:
        """Add the figures of a round."""
        for n in self.rows:
            self._runs[name, n][number] = figures.get(n)

    def register(self, name: str) -> None:
        """Add a contender to the tables."""
        if name not in self.names:
            self.names.append(name)
            self._runs |= {(name, n): [None] * self.rounds for n in self.rows}

    def runs(self, name: str, n: int) -> Runs:
        """Return a contender's runs, one a round, None where it failed."""
        return self._runs.get((name, n), [None] * self.rounds)

    def good(self, name: str, n: int) -> list[Figures]:
        """Return a contender's successful runs."""
        return [figures for figures in self.runs(name, n) if figures]

    def rate(self, name: str, n: int) -> float:
        """Return the median of a contender's requests a second; 0 without any."""
        good = self.good(name, n)
        return median(good, "rate") if good else 0.0

    def fastest_peer(self, n: int) -> str:
        """Return the fastest peer for a number of rows."""
        peers = [name for name in self.names if name not in NOT_PEERS]
        return max(peers, key=lambda name: self.rate(name, n), default="no peer")


def targets(found: Found) -> Iterable[str]:
    """Yield the lines of the table of targets."""
    yield "| ratio of requests a second | measured | target | reached |"
    yield "| --- | ---: | ---: | --- |"
    for n, ours, theirs, least in TARGETS:
        other = found.fastest_peer(n) if theirs == "the fastest peer" else theirs
        value = ratio(found.runs(ours, n), found.runs(other, n))
        named = f"{theirs} ({other})" if other != theirs else theirs
        yield f"| {rows(n)}: {ours} / {named} | {times(value)} | {bound(least)} | {verdict(value, least)} |"


def rows(n: int) -> str:
    """Return a number of rows in words."""
    return "one row" if n == 1 else f"{n:,} rows"


def times(value: float) -> str:
    """Return a ratio as text."""
    return "—" if math.isnan(value) else f"{value:.2f}×"


def bound(least: float | None) -> str:
    """Return a target as text."""
    return f"≥ {least:g}" if least else ""


def verdict(value: float, least: float | None) -> str:
    """Return whether a target is reached, in words."""
    if least is None:
        return ""
    return "not measured" if math.isnan(value) else "yes" if value >= least else "**no**"


def table(found: Found, n: int) -> Iterable[str]:
    """Yield the lines of the table of all contenders for a number of rows."""
    yield f"| {rows(n)} | requests/s | min–max | p50, ms | p99, ms | Descent is | connections by process |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | --- |"
    for name in found.names:
        good = found.good(name, n)
        yield line(found, name, n, good) if good else f"| {name} | not run: {found.reasons[name]} |"


def line(found: Found, name: str, n: int, good: list[Figures]) -> str:
    """Return one contender's line."""
    rates = [figures.rate for figures in good]
    cells = (
        name,
        f"{median(good, 'rate'):,.0f}",
        f"{min(rates):,.0f}–{max(rates):,.0f}",
        f"{median(good, 'p50'):.1f}",
        f"{median(good, 'p99'):.1f}",
        times(ratio(found.runs("Descent", n), found.runs(name, n))),
        ", ".join("+".join(map(str, figures.split)) for figures in good),
    )
    return f"| {' | '.join(cells)} |"


def elsewhere(found: Found) -> float:
    """Return the most cores that other processes kept busy in any run."""
    every = [figures.elsewhere for name in found.names for n in found.rows for figures in found.good(name, n)]
    return max(every, default=0.0)


def page(found: Found) -> str:
    """Return the part of docs/benchmarks.md."""
    how = f"Medians of {found.rounds} rounds of {found.seconds} s each"
    failures = [f"{name} failed in a round: {why}." for name, why in found.reasons.items() if found.good(name, ONE)]
    parts = (
        f"{machine(PACKAGES)}. {how}; other processes kept at most {elsewhere(found):.1f} cores busy in any of them.",
        "\n".join(targets(found)),
        f"![Requests a second of each contender]({PLOT.name})",
        *("\n".join(table(found, n)) for n in found.rows),
        *failures,
    )
    return "\n\n".join(parts)


def draw(found: Found) -> None:
    """Draw requests a second of each contender, one panel for each number of rows."""
    import matplotlib as mpl  # noqa: PLC0415

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "descent", "svg.fonttype": "none", "font.size": 8})
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, panels = plt.subplots(1, len(found.rows), figsize=(9, 2.6), sharey=True, layout="constrained")
    for panel, n in zip(panels, found.rows, strict=True):
        colours = ["#2563a8" if name.startswith("Descent") else "#a0a0a0" for name in found.names]
        panel.barh(found.names, [found.rate(name, n) for name in found.names], color=colours)
        panel.set(xscale="log", title=rows(n), xlabel="requests/s")
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].invert_yaxis()
    figure.savefig(PLOT, metadata={"Date": None})
