"""A client of a Descent service. It needs httpx, and numpy, pandas or pyarrow only for data that come in them; it
imports nothing else of this package.

    with Client("http://127.0.0.1:8000") as client:
        fit = client.train(frame, y="price", model="houses")
        y = client.predict(frame[["area", "rooms"]], model="houses")
"""

from service.client.api import Client, Prediction
from service.client.exchange import Answer, File
from service.client.problems import ClientError, Problem, Unintelligible, Unreachable, Unsendable

__all__ = [
    "Answer",
    "Client",
    "ClientError",
    "File",
    "Prediction",
    "Problem",
    "Unintelligible",
    "Unreachable",
    "Unsendable",
]
