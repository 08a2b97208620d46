"""Fit scikit-learn's model to the points in a file and save it: `python fit.py POINTS MODEL`."""

import json
import sys
from pathlib import Path

import joblib
import numpy as np
from sklearn.linear_model import LinearRegression

points = json.loads(Path(sys.argv[1]).read_text("utf-8"))
joblib.dump(LinearRegression().fit(np.array(points["x"])[:, None], points["y"]), sys.argv[2])
