"""The connection to a service, which the groups of methods share."""

from collections.abc import Mapping
from os import PathLike
from urllib.parse import quote

import httpx

from descent.data import Data
from descent.errors import InvalidArgument, Problem
from descent.options import Json, encode_query
from descent.request_body import Body, File
from descent.retries import Sender

DEFAULT_URL = "http://127.0.0.1:8000"
DEFAULT_MODEL = "default"


class Connection:
    """Base class of the groups of methods: sends requests about models."""

    _sender: Sender
    _refused_media_types: set[str]

    def _post_data(self, path: str, data: Data, options: Json, headers: Mapping[str, str]) -> httpx.Response:
        """Send `data` in its binary form, or as JSON if it has none or the service does not accept it."""
        if data.media_type and data.media_type not in self._refused_media_types and (binary := data.to_binary()):
            body = Body.from_bytes(binary.content, data.media_type, binary.column_query | encode_query(options))
            try:
                return self._sender.send("POST", path, body, headers)
            except Problem as problem:
                if problem.status != httpx.codes.UNSUPPORTED_MEDIA_TYPE:
                    raise
            self._refused_media_types.add(data.media_type)
        return self._sender.send("POST", path, Body.from_json(data.to_json() | options), headers)


def file_body(file: File | str | PathLike[str], options: Json) -> Body:
    """Return the body for a file, given as it is or by its path. Raises InvalidArgument."""
    return Body.from_file(file if isinstance(file, File) else File.from_path(file), encode_query(options))


def action_path(action: str, model: str, version: int | None, group: object, prefix: object) -> str:
    """Return the path that trains or predicts, with one model or with one for each group. Raises InvalidArgument."""
    if group is None and prefix is not None:
        raise InvalidArgument("prefix names the models of groups. Give group too, or leave out prefix.")
    if group is None:
        return f"{model_path(model, version)}/{action}"
    if model != DEFAULT_MODEL or version is not None:
        raise InvalidArgument("With group, each model is named by prefix and label. Leave out model and version.")
    return f"/models:{action}"


def model_path(model: str, version: int | None = None) -> str:
    """Return the path of a model or of one of its versions. Raises InvalidArgument."""
    if "/" in model or not model.strip("."):
        raise InvalidArgument(f"{model!r} is not a model name: it must not be empty, '.' or '..', or contain '/'.")
    path = f"/models/{quote(model, safe='')}"
    return path if version is None else f"{path}/versions/{version}"


def check_url(url: str) -> httpx.URL:
    """Return `url` parsed. Raises InvalidArgument if it is not an http or https URL with a host."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise InvalidArgument(f"{url!r} is not a URL: {error}. Use one such as {DEFAULT_URL}.") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise InvalidArgument(f"{url!r} is not an http or https URL with a host. Use one such as {DEFAULT_URL}.")
    return parsed
