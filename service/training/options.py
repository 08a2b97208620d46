"""Training options: as requested, and as stored for later appends."""

from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import numpy as np

from service.core.blocks import FloatArray


@dataclass(frozen=True)
class Start:
    """The initial coefficients of a descent: w (d,), its column names as sent, and b."""

    w: FloatArray
    names: tuple[str, ...] | None
    b: float


@dataclass(frozen=True)
class Options:
    """The options of `POST /train`. None is a default that depends on the others."""

    method: Literal["spectral", "autograd"] = "spectral"
    learning_rate: float | Literal["auto"] = "auto"
    epochs: int | None = None
    seed: int | None = None
    initial: Start | None = None
    standardize: bool | None = None
    fit_intercept: bool = True
    l2: float = 0.0

    @property
    def standardizes(self) -> bool:
        """Return whether the descent runs on standardised columns."""
        return self.learning_rate == "auto" if self.standardize is None else self.standardize

    def stored(self) -> dict[str, Any]:
        """Return the options as JSON, for later appends to inherit."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        if self.initial is not None:
            start = self.initial
            values["initial"] = {"w": start.w.tolist(), "names": start.names, "b": start.b}
        return values


def inherited(stored: dict[str, Any], explicit: dict[str, Any]) -> Options:
    """Return the stored options of the version that an append continues, overridden by `explicit` ones."""
    start = stored["initial"]
    if start is not None:
        names = None if start["names"] is None else tuple(start["names"])
        stored = stored | {"initial": Start(np.array(start["w"]), names, start["b"])}
    options = Options(**stored)
    if "seed" in explicit:
        options = replace(options, initial=None)
    if "initial" in explicit:
        options = replace(options, seed=None)
    return replace(options, **explicit)
