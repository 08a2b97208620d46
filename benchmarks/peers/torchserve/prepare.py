"""Write the least-squares line through the points in a file as TorchScript: `python prepare.py POINTS MODEL`."""

import json
import statistics
import sys
from pathlib import Path

import torch

points = json.loads(Path(sys.argv[1]).read_text("utf-8"))
w, b = statistics.linear_regression(points["x"], points["y"])
line = torch.nn.Linear(1, 1, dtype=torch.float64)
with torch.no_grad():
    line.weight.fill_(w)
    line.bias.fill_(b)
torch.jit.script(line).save(sys.argv[2])
