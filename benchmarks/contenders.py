"""Who is measured: how each is started, asked and understood."""

import http.client
import json
import os
import statistics
import sys
from collections.abc import Callable
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from common import ROOT
from environments import NotRun, python_of, run
from servers import Server, free_port, serving

HERE = Path(__file__).parent
APPS, PEERS = HERE / "apps", HERE / "peers"
POINTS = ROOT / "docs/examples/tutorial.json"
QUIET = {"DO_NOT_TRACK": "1", "BENTOML_DO_NOT_TRACK": "True", "MLFLOW_DISABLE_TELEMETRY": "true"}


class Place(NamedTuple):
    """Where a contender runs."""

    folder: Path
    app: Path
    python: str
    port: int

    @property
    def model(self) -> str:
        """The file or folder of its model."""
        return str(self.folder / "model.joblib")

    def script(self, name: str) -> str:
        """A program beside its interpreter."""
        return str(Path(self.python).with_name(name))


Commands = Callable[[Place], list[list[str]]]


def fit(place: Place) -> list[list[str]]:
    """scikit-learn's line, kept by joblib."""
    return [[place.python, str(PEERS / "fit.py"), str(POINTS), place.model]]


def nothing(_place: Place) -> list[list[str]]:
    """Nothing to prepare."""
    return []


class Contender(NamedTuple):
    """A server with a line behind it, and where its requirements are if it needs more than this program has."""

    name: str
    home: Path | None
    command: Callable[[Place], list[str]]
    prepare: Commands = fit
    path: str = "/predict"
    question: Callable[[list[float]], object] = lambda x: {"x": x}
    answer: Callable[[Any], list[float]] | None = itemgetter("y")
    settings: Callable[[Place], dict[str, str]] = lambda _place: {}

    def place(self, folder: Path) -> Place:
        """Its place below `folder`, with everything prepared."""
        own = folder / self.name.replace(" ", "-")
        own.mkdir()
        python = python_of(self.home / "requirements.txt") if self.home else None
        peer = self.home not in (None, APPS)
        place = Place(own, self.home or APPS, str(python) if peer else sys.executable, 0)
        for command in self.prepare(place):
            run(command, {**os.environ, **QUIET, **self._environment(place)}, own)
        return place

    def serving(self, place: Place) -> Any:
        """A running server."""
        place = place._replace(port=free_port())
        return serving(self.command(place), place.port, place.folder, self._environment(place))

    def _environment(self, place: Place) -> dict[str, str]:
        return {**QUIET, "MODEL": place.model, **self.settings(place)}

    def body(self, x: list[float]) -> bytes:
        """The question for these rows."""
        return json.dumps(self.question(x)).encode()

    def check(self, server: Server, x: list[float]) -> None:
        """Hold its answer to the line."""
        try:
            found = server.ask(self.path, self.body(x))
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NotRun(f"it did not answer: {error}") from None
        if self.answer is None:
            return
        w, b = line()
        wrong = max(abs(y - (w * each + b)) for y, each in zip(self.answer(found), x, strict=True))
        if wrong > 1e-9:
            raise NotRun(f"its answers are wrong by {wrong:.1e}")


def line() -> tuple[float, float]:
    """w and b of the best line through the points."""
    points = json.loads(POINTS.read_text("utf-8"))
    w, b = statistics.linear_regression(points["x"], points["y"])
    return w, b
