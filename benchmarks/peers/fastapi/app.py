"""A linear model behind FastAPI, as its users write one."""

import os

import joblib
import numpy as np
from fastapi import FastAPI
from fastapi.responses import ORJSONResponse
from pydantic import BaseModel

app = FastAPI()
model = joblib.load(os.environ["MODEL"])


class Rows(BaseModel):
    """Rows of one column."""

    x: list[float]


@app.post("/predict")
async def predict(rows: Rows) -> ORJSONResponse:
    """Return the prediction for each row."""
    return ORJSONResponse({"y": model.predict(np.array(rows.x)[:, None])})
