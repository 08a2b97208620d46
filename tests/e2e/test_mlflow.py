"""MLflow's scoring protocol, checked with MLflow's client."""

import warnings

import pandas as pd
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from mlflow.pyfunc.scoring_server.client import ScoringServerClient

FRAME = pd.DataFrame({"area": [50.0, 80.0, 120.0], "rooms": [2, 3, 4]}, index=[7, 8, 9])


@pytest.fixture(scope="module")
def predicted(client):
    """Train the default model on two named columns and return what /predict answers for FRAME."""
    rows = {"x": {"area": [40, 60, 90, 100], "rooms": [1, 3, 3, 4]}, "y": [1, 2, 3, 5]}
    assert client.post("/train", json=rows).status_code == 201
    return client.post("/predict", json={"x": FRAME.to_dict("list")}).json()["y"]


@pytest.fixture
def scoring(service):
    return ScoringServerClient("127.0.0.1", service.port)


def test_the_client_predicts(scoring, predicted):
    scoring.ping()
    scoring.wait_server_ready(5)
    assert scoring.get_version()
    assert scoring.invoke(FRAME).get_predictions()[0].tolist() == predicted
    assert scoring.invoke(FRAME[["rooms", "area"]]).get_predictions()[0].tolist() == predicted
    assert scoring.invoke(FRAME.to_numpy()).get_predictions()[0].tolist() == predicted


def test_errors_reach_the_client(scoring, predicted):
    with pytest.raises(Exception, match="column 'rooms' is missing"):
        scoring.invoke(FRAME[["area"]])
    with pytest.raises(Exception, match="not supported by this model"):
        scoring.invoke(FRAME, params={"temperature": 1})
