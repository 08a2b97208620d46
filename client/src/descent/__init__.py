"""Python client of Descent, a service that trains and serves linear models over HTTP.

    with Client("http://127.0.0.1:8000") as client:
        fit = client.train(frame, y="price", model="houses")
        y = client.predict(frame[["area", "rooms"]], model="houses")

numpy, pandas and pyarrow are imported only for data of their types.
"""

from descent.client import Client, Prediction
from descent.errors import ClientError, Problem, Unintelligible, Unreachable, Unsendable
from descent.exchange import Answer, File

__version__ = "0.1.0"

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
