"""Gradient descent on the rows with gradients by torch: the loop of the tutorial."""

import numpy as np
import torch

from service.core.blocks import Batch, FloatArray
from service.core.descent import Coordinates, Iterate


def walk(
    rows: Batch, w: FloatArray, b: float, coordinates: Coordinates, l2: float, rate: float, epochs: int
) -> Iterate:
    """Take `epochs` steps on Σw(ŷ−y)²/Σw + l2·‖w‖² from w (d,) and b, in `coordinates`: (epochs+1, …)."""
    x = torch.from_numpy(coordinates.standardized(rows.x))
    y = torch.from_numpy(np.ascontiguousarray(rows.y))
    weight = np.ones(len(rows.y)) if rows.weight is None else rows.weight
    shares = torch.from_numpy(weight / weight.sum())
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
            if parameter.grad is not None:  # None for an intercept that is not fitted
                with torch.no_grad():
                    parameter.sub_(rate * parameter.grad)
                parameter.grad.zero_()
        steps[epoch] = np.concatenate([intercept.detach().numpy(), slopes.detach().numpy()])
    return coordinates.leave(steps)


def seeded_weights(seed: int, d: int) -> FloatArray:
    """Return the initial weights of the tutorial, `torch.manual_seed(seed); torch.randn(d)`: (d,)."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(d, generator=generator).numpy().astype(np.float64)
