"""Listing, pinning and deleting models and versions."""

from collections.abc import Iterator

from descent.connection import Connection, model_path
from descent.options import Json
from descent.request_body import Body
from descent.responses import decode_object

PAGE_SIZE = 1000


class Models(Connection):
    """Methods for models and their versions."""

    def models(self, prefix: str = "") -> Iterator[Json]:
        """Yield the models in order of name; pages are requested as they are needed.

        Args:
            prefix: yield only models whose names begin with this.
        """
        return self._pages("/models", "models", {"prefix": prefix})

    def model(self, model: str) -> Json:
        """Return a model: its serving version, the numbers of its versions, its description and labels.

        Args:
            model: name of the model.
        """
        return decode_object(self._sender.send("GET", model_path(model)))

    def versions(self, model: str) -> Iterator[Json]:
        """Yield the versions of a model, newest first; pages are requested as they are needed.

        Each has "version", "trained_at" (ISO 8601), "loss", "r2", "n", "serving" and "pinned".

        Args:
            model: name of the model.
        """
        return self._pages(f"{model_path(model)}/versions", "versions", {})

    def version(self, model: str, version: int | None = None) -> Json:
        """Return the report of a version, as `train` returned it.

        Args:
            model: name of the model.
            version: number of the version; by default the serving one.
        """
        return decode_object(self._sender.send("GET", self._version_path(model, version)))

    def history(self, model: str, version: int | None = None) -> Json:
        """Return the loss curve of a version: "epoch" and "loss", and "objective" if it has a penalty.

        Args:
            model: name of the model.
            version: number of the version; by default the serving one.
        """
        return decode_object(self._sender.send("GET", f"{self._version_path(model, version)}/history"))

    def artifact(self, model: str, version: int | None = None) -> bytes:
        """Return the TorchScript file of a version.

        Args:
            model: name of the model.
            version: number of the version; by default the serving one.
        """
        return self._sender.send("GET", f"{self._version_path(model, version)}/artifact").content

    def pin(self, model: str, version: int) -> Json:
        """Make `version` the serving one until it is unpinned, even if newer versions are trained.

        Args:
            model: name of the model.
            version: number of the version.
        """
        return decode_object(
            self._sender.send("PUT", f"{model_path(model)}/serving", Body.from_json({"version": version}))
        )

    def unpin(self, model: str) -> Json:
        """Make the newest version the serving one again.

        Args:
            model: name of the model.
        """
        return decode_object(self._sender.send("DELETE", f"{model_path(model)}/serving"))

    def delete(self, model: str, version: int | None = None) -> None:
        """Delete a version, or the model with all its versions.

        Args:
            model: name of the model.
            version: number of the version to delete; by default the whole model is deleted.
        """
        self._sender.send("DELETE", model_path(model, version))

    def _version_path(self, model: str, version: int | None) -> str:
        return model_path(model, self.model(model)["serving"] if version is None else version)

    def _pages(self, path: str, member: str, query: dict[str, str]) -> Iterator[Json]:
        query = query | {"limit": str(PAGE_SIZE)}
        while True:
            page = decode_object(self._sender.send("GET", path, Body(query=query)))
            yield from page[member]
            if not page.get("next_page_token"):
                return
            query |= {"page_token": page["next_page_token"]}
