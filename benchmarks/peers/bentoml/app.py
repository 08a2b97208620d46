"""A linear model behind BentoML."""

import os

import bentoml
import joblib
import numpy as np


@bentoml.service(workers=2, metrics={"enabled": False}, logging={"access": {"enabled": False}}, traffic={"timeout": 60})
class Line:
    """Predict rows of one column."""

    def __init__(self) -> None:
        self.model = joblib.load(os.environ["MODEL"])

    @bentoml.api
    def predict(self, x: list[float]) -> dict[str, list[float]]:
        """Return the prediction for each row."""
        return {"y": self.model.predict(np.array(x)[:, None]).tolist()}
