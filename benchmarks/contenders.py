"""A server to measure: its command, its requests and its responses."""

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
    """The folder, interpreter and port of a contender."""

    folder: Path
    app: Path
    python: str
    port: int

    @property
    def model(self) -> str:
        """Return the file or folder of its model."""
        return str(self.folder / "model.joblib")

    def script(self, name: str) -> str:
        """Return a program beside its interpreter."""
        return str(Path(self.python).with_name(name))


Commands = Callable[[Place], list[list[str]]]


def fit(place: Place) -> list[list[str]]:
    """Return the command that fits scikit-learn's model and saves it with joblib."""
    return [[place.python, str(PEERS / "fit.py"), str(POINTS), place.model]]


def no_commands(_place: Place) -> list[list[str]]:
    """Return no commands."""
    return []


class Contender(NamedTuple):
    """A server of a linear model; `home` holds its requirements if it needs an environment of its own."""

    name: str
    home: Path | None
    command: Callable[[Place], list[str]]
    prepare: Commands = fit
    path: str = "/predict"
    to_request: Callable[[list[float]], object] = lambda x: {"x": x}
    to_predictions: Callable[[Any], list[float]] | None = itemgetter("y")
    settings: Callable[[Place], dict[str, str]] = lambda _place: {}

    def place(self, folder: Path) -> Place:
        """Return its place below `folder`, prepared to be started."""
        own = folder / self.name.replace(" ", "-")
        own.mkdir()
        python = python_of(self.home / "requirements.txt") if self.home else None
        peer = self.home not in (None, APPS)
        place = Place(own, self.home or APPS, str(python) if peer else sys.executable, 0)
        for command in self.prepare(place):
            run(command, {**os.environ, **QUIET, **self._environment(place)}, own)
        return place

    def serving(self, place: Place) -> Any:
        """Run the server meanwhile."""
        place = place._replace(port=free_port())
        return serving(self.command(place), place.port, place.folder, self._environment(place))

    def _environment(self, place: Place) -> dict[str, str]:
        return {**QUIET, "MODEL": place.model, **self.settings(place)}

    def body(self, x: list[float]) -> bytes:
        """Return the request body for these rows."""
        return json.dumps(self.to_request(x)).encode()

    def check(self, server: Server, x: list[float]) -> None:
        """Raise NotRun unless its predictions are those of the least-squares line."""
        try:
            found = server.post(self.path, self.body(x))
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NotRun(f"no response: {error}") from None
        if self.to_predictions is None:
            return
        w, b = line()
        wrong = max(abs(y - (w * each + b)) for y, each in zip(self.to_predictions(found), x, strict=True))
        if wrong > 1e-9:
            raise NotRun(f"its predictions are wrong by {wrong:.1e}")


def line() -> tuple[float, float]:
    """Return w and b of the least-squares line through the points."""
    points = json.loads(POINTS.read_text("utf-8"))
    w, b = statistics.linear_regression(points["x"], points["y"])
    return w, b
