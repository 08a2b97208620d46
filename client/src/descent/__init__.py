"""Python client of Descent, a service that trains and serves linear and ridge regression over HTTP.

    from descent import Client

    with Client("http://127.0.0.1:8000") as client:
        fit = client.train(frame, y="price", model="houses")
        prices = client.predict(frame[["area", "rooms"]], model="houses")

NumPy, pandas and pyarrow are imported only for data of their types.
"""

from descent.client import Client
from descent.errors import ClientError, InvalidArgument, Problem, UnexpectedResponse, Unreachable
from descent.prediction import Prediction
from descent.request_body import File

__version__ = "0.1.0"

__all__ = [
    "Client",
    "ClientError",
    "File",
    "InvalidArgument",
    "Prediction",
    "Problem",
    "UnexpectedResponse",
    "Unreachable",
]
