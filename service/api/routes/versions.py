"""Answers that several views give."""

import hashlib
from typing import Any

from service.artifact import torchscript
from service.store import Version
from service.training.trainer import Trained


def fit_answer(model: str, trained: Trained) -> dict[str, Any]:
    """What a training answers; a dry run has no version."""
    if trained.version is None:
        return {"model": model, "version": None, "serving": None, **trained.report}
    return version_answer(trained.version, trained.report, trained.artifact) | {"serving": trained.serving}


def version_answer(version: Version, report: dict[str, Any], artifact: bytes) -> dict[str, Any]:
    """What a version is: it never changes."""
    return {
        "model": version.model,
        "version": version.number,
        **report,
        "etag": torchscript.tag(artifact),
        "artifact": {
            "href": f"{path_of(version.model, version.number)}/artifact",
            "sha256": hashlib.sha256(artifact).hexdigest(),
            "bytes": len(artifact),
        },
    }


def path_of(model: str, version: int) -> str:
    """Where a version is."""
    return f"/models/{model}/versions/{version}"
