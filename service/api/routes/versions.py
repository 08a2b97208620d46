"""The JSON of a version, which training and models share."""

import hashlib
from typing import Any

from service.artifact import torchscript


def version_json(model: str, version: int, report: dict[str, Any], artifact: bytes) -> dict[str, Any]:
    """Return the response value of a version, which does not change."""
    return {
        "model": model,
        "version": version,
        **report,
        "etag": torchscript.tag(artifact),
        "artifact": {
            "href": f"{version_path(model, version)}/artifact",
            "sha256": hashlib.sha256(artifact).hexdigest(),
            "bytes": len(artifact),
        },
    }


def version_path(model: str, version: int) -> str:
    """Return the path of a version."""
    return f"/models/{model}/versions/{version}"
