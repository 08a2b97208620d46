"""The contenders of `make bench`: Descent, the empty app, and the peers with their recommended settings."""

import os
import sys
from pathlib import Path
from typing import Any

from common import ROOT
from contenders import APPS, PEERS, POINTS, Contender, Place, no_commands
from environments import FOLDER
from servers import WORKERS, free_port

GUNICORN = [sys.executable, "-m", "gunicorn"]
GRANIAN = ["--workers", str(WORKERS), "--no-ws", "--log-level", "warning", "--http", "1"]
UVICORN = [
    "--workers",
    str(WORKERS),
    "--loop",
    "uvloop",
    "--http",
    "httptools",
    "--no-access-log",
    "--log-level",
    "warning",
]


def train(place: Place) -> list[list[str]]:
    """Return the command that trains a model in Descent's store."""
    store = str(place.folder / "models")
    return [[sys.executable, "-m", "descent", "train", str(POINTS), "--store", store]]


def descent_settings(place: Place) -> dict[str, str]:
    """Return Descent's settings: two workers, otherwise the defaults."""
    return {
        "DESCENT_STORE": str(place.folder / "models"),
        "DESCENT_PORT": str(place.port),
        "DESCENT_WORKERS": str(WORKERS),
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(APPS))),
    }


def with_servers(place: Place) -> dict[str, str]:
    """Return Descent's settings with the packages of other servers."""
    packages = next((FOLDER / APPS.name).glob("lib/python*/site-packages"))
    settings = descent_settings(place)
    return settings | {"PYTHONPATH": f"{settings['PYTHONPATH']}{os.pathsep}{packages}"}


def granian(place: Place, interface: str, app: str, *more: str) -> list[str]:
    """Return granian's command."""
    return [place.python, "-m", "granian", "--interface", interface, "--port", str(place.port), *GRANIAN, *more, app]


def mlserver(place: Place) -> dict[str, str]:
    """Return MLServer's settings. It predicts faster in its main process than in two others."""
    return {
        "MLSERVER_HOST": "127.0.0.1",
        "MLSERVER_HTTP_PORT": str(place.port),
        "MLSERVER_GRPC_PORT": str(free_port()),
        "MLSERVER_METRICS_PORT": str(free_port()),
        "MLSERVER_DEBUG": "false",
        "MLSERVER_PARALLEL_WORKERS": "0",
        "MLSERVER_MODEL_IMPLEMENTATION": "mlserver_sklearn.SKLearnModel",
        "MLSERVER_MODEL_NAME": "line",
        "MLSERVER_MODEL_URI": place.model,
    }


def on_path(place: Place) -> dict[str, str]:
    """Return a PATH with the programs of the environment first, for servers that start others by name."""
    return {"PATH": f"{Path(place.python).parent}{os.pathsep}{os.environ['PATH']}"}


def mlflow(place: Place) -> dict[str, str]:
    """Return MLflow's settings, without uvicorn's access log."""
    return on_path(place) | {"UVICORN_ACCESS_LOG": "false", "UVICORN_LOG_LEVEL": "warning"}


def torchserve(place: Place) -> dict[str, str]:
    """Return TorchServe's addresses and ports."""
    return on_path(place) | {
        "TEMP": str(place.folder / "tmp"),
        "TS_INFERENCE_ADDRESS": f"http://127.0.0.1:{place.port}",
        "TS_MANAGEMENT_ADDRESS": f"http://127.0.0.1:{free_port()}",
        "TS_METRICS_ADDRESS": f"http://127.0.0.1:{free_port()}",
        "TS_GRPC_INFERENCE_PORT": str(free_port()),
        "TS_GRPC_MANAGEMENT_PORT": str(free_port()),
    }


def archive(place: Place) -> list[list[str]]:
    """Return the commands that make TorchServe's model archive."""
    here, model = PEERS / "torchserve", str(place.folder / "line.pt")
    options = {"--model-name": "line", "--version": "1", "--serialized-file": model, "--export-path": "."}
    options |= {"--handler": str(here / "handler.py")}
    return [
        ["java", "-version"],
        [place.python, str(here / "prepare.py"), str(POINTS), model],
        [place.script("torch-model-archiver"), *(part for option in options.items() for part in option)],
    ]


def archive_for_batches(place: Place) -> list[list[str]]:
    """Return the same commands, with batching."""
    *first, archiver = archive(place)
    return [*first, [*archiver, "--config-file", str(PEERS / "torchserve/batches.yaml")]]


def mlserver_batches(place: Place) -> dict[str, str]:
    """Return MLServer's settings with batching of requests within a millisecond."""
    return mlserver(place) | {"MLSERVER_MODEL_MAX_BATCH_SIZE": "16", "MLSERVER_MODEL_MAX_BATCH_TIME": "0.001"}


def tensor(x: list[float]) -> object:
    """Return rows in the Open Inference Protocol."""
    return {"inputs": [{"name": "x", "shape": [len(x), 1], "datatype": "FP64", "data": x}]}


def of_tensor(response: Any) -> list[float]:
    """Return the predictions of a response in the Open Inference Protocol."""
    data: list[float] = response["outputs"][0]["data"]
    return data


DESCENT = Contender(
    "Descent", None, lambda _: [*GUNICORN, "-c", str(ROOT / "gunicorn.conf.py")], train, settings=descent_settings
)
EMPTY = Contender(
    "empty app",
    None,
    lambda _: [*GUNICORN, "-c", str(APPS / "empty_app_conf.py")],
    no_commands,
    to_predictions=None,
    settings=descent_settings,
)
DESCENT_GRANIAN = Contender(
    "Descent on granian",
    APPS,
    lambda place: granian(place, "wsgi", "descent_wsgi:app"),
    train,
    settings=with_servers,
)
EMPTY_GRANIAN = Contender(
    "empty app on granian",
    APPS,
    lambda place: granian(place, "wsgi", "empty_app:app"),
    no_commands,
    to_predictions=None,
    settings=with_servers,
)
FASTAPI = Contender(
    "FastAPI",
    PEERS / "fastapi",
    lambda place: [
        place.script("uvicorn"),
        "--port",
        str(place.port),
        *UVICORN,
        "--app-dir",
        str(place.app),
        "app:app",
    ],
)
FASTAPI_GRANIAN = Contender(
    "FastAPI on granian",
    PEERS / "fastapi",
    lambda place: granian(place, "asgi", "app:app", "--loop", "uvloop", "--working-dir", str(place.app)),
)
LITSERVE = Contender(
    "LitServe", PEERS / "litserve", lambda place: [place.python, str(place.app / "app.py"), str(place.port)]
)
MLSERVER = Contender(
    "MLServer",
    PEERS / "mlserver",
    lambda place: [place.script("mlserver"), "start", "."],
    path="/v2/models/line/infer",
    to_request=tensor,
    to_predictions=of_tensor,
    settings=mlserver,
)
BENTOML = Contender(
    "BentoML",
    PEERS / "bentoml",
    lambda place: [
        *(place.script("bentoml"), "serve", "app:Line", "--working-dir", str(place.app), "--quiet"),
        *("--host", "127.0.0.1", "--port", str(place.port)),
    ],
    settings=lambda place: {"BENTOML_HOME": str(place.folder / "bentoml")},
)
MLFLOW = Contender(
    "MLflow",
    PEERS / "mlflow",
    lambda place: [
        *(place.script("mlflow"), "models", "serve", "--model-uri", place.model, "--env-manager", "local"),
        *("--host", "127.0.0.1", "--port", str(place.port), "--workers", str(WORKERS)),
    ],
    lambda place: [[place.python, str(PEERS / "mlflow/prepare.py"), str(POINTS), place.model]],
    path="/invocations",
    to_request=lambda x: {"inputs": [[each] for each in x]},
    to_predictions=lambda found: found["predictions"],
    settings=mlflow,
)
TORCHSERVE = Contender(
    "TorchServe",
    PEERS / "torchserve",
    lambda place: [
        *(place.script("torchserve"), "--start", "--foreground", "--disable-token-auth", "--enable-model-api"),
        *("--no-config-snapshots", "--model-store", ".", "--models", "line=line.mar"),
        *("--ts-config", str(place.app / "config.properties"), "--log-config", str(place.app / "log4j2.xml")),
    ],
    archive,
    path="/predictions/line",
    settings=torchserve,
)
MLSERVER_BATCHES = MLSERVER._replace(name="MLServer with batches", settings=mlserver_batches)
TORCHSERVE_BATCHES = TORCHSERVE._replace(name="TorchServe with batches", prepare=archive_for_batches)

LINEUP = (
    DESCENT,
    EMPTY,
    FASTAPI,
    LITSERVE,
    MLSERVER,
    MLSERVER_BATCHES,
    BENTOML,
    TORCHSERVE,
    TORCHSERVE_BATCHES,
    MLFLOW,
    DESCENT_GRANIAN,
    FASTAPI_GRANIAN,
    EMPTY_GRANIAN,
)
