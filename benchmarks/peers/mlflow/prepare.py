"""Fit scikit-learn's model to the points in a file and save it as MLflow's model: `python prepare.py POINTS MODEL`."""

import json
import sys
from pathlib import Path

import mlflow.sklearn
import numpy as np
from sklearn.linear_model import LinearRegression

points = json.loads(Path(sys.argv[1]).read_text("utf-8"))
x = np.array(points["x"])[:, None]
model = LinearRegression().fit(x, points["y"])
signature = mlflow.models.infer_signature(x, model.predict(x))
mlflow.sklearn.save_model(model, sys.argv[2], signature=signature)
