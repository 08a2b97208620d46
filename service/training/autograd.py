"""The tutorial's own loop: gradient descent that torch differentiates, on the rows themselves."""

from typing import NamedTuple

import numpy as np
import torch

from service.core.blocks import Batch, FloatArray
from service.core.descent import Coordinates


class Walk(NamedTuple):
    """Every step of a descent, the start included: w (epochs+1, d), b (epochs+1,) in the user's units."""

    w: FloatArray
    b: FloatArray


def walk(rows: Batch, w: FloatArray, b: float, coordinates: Coordinates, l2: float, rate: float, epochs: int) -> Walk:
    """Descend `epochs` steps on Σw(ŷ−y)²/Σw + l2·‖w‖² from w (d,) and b, walking in `coordinates`."""
    x = torch.from_numpy(coordinates.standardized(rows.x))
    y = torch.from_numpy(np.ascontiguousarray(rows.y))
    shares = torch.from_numpy(_shares(rows))
    penalties = torch.from_numpy(l2 / np.square(coordinates.scale))
    start = coordinates.enter(w, b)
    d = x.shape[1]
    slopes = torch.tensor(start[-d:], requires_grad=True)
    intercept = torch.tensor(start[:-d], requires_grad=coordinates.fit_intercept)
    steps = np.empty((epochs + 1, len(start)))
    steps[0] = start
    for epoch in range(1, epochs + 1):
        prediction = x @ slopes + intercept.sum()
        objective = (shares * (prediction - y) ** 2).sum() + (penalties * slopes**2).sum()
        objective.backward()
        for parameter in (intercept, slopes):
            _step(parameter, rate)
        steps[epoch] = np.concatenate([intercept.detach().numpy(), slopes.detach().numpy()])
    return Walk(*coordinates.leave(steps))


def seeded_weights(seed: int, d: int) -> FloatArray:
    """The tutorial's start: `torch.manual_seed(seed); torch.randn(d)`, from a generator of its own: (d,)."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(d, generator=generator).numpy().astype(np.float64)


def _step(parameter: torch.Tensor, rate: float) -> None:
    """One step against the gradient, which is then cleared."""
    if parameter.grad is not None:
        with torch.no_grad():
            parameter -= rate * parameter.grad
        parameter.grad.zero_()


def _shares(rows: Batch) -> FloatArray:
    weight = np.ones(len(rows.y)) if rows.weight is None else rows.weight
    shares: FloatArray = weight / weight.sum()
    return shares
