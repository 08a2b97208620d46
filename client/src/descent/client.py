"""The calls of the service, one method each."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

import httpx

from descent.data import Data, data_of
from descent.errors import Problem, Unreachable, Unsendable
from descent.exchange import (
    JSON,
    Answer,
    Body,
    Exchange,
    File,
    check_media_type,
    decode,
    media_type_of,
    query_of,
)

URL = "http://127.0.0.1:8000"


@dataclass(frozen=True)
class Prediction:
    """ŷ and, where they were asked for, the bounds of its interval and each column's part in it. `y` and the bounds are
    in the kind that x was given in; `model` and `version` say what answered, where the answer has room for it."""

    y: Any
    lower: Any = None
    upper: Any = None
    contributions: Any = None
    model: str | None = None
    version: int | None = None


class Client:
    """Trains, predicts and looks after models. Requests that are lost, or meet a busy service, are sent again up to
    `retries` times, after waits that double, or last as long as the service asks.

    Data are numpy arrays, pandas frames and series, Arrow tables, or what JSON has; ŷ comes back in the same kind. They
    travel in a binary form where the service takes it, else as JSON. Raises Problem, Unreachable and Unintelligible.
    """

    def __init__(
        self,
        url: str = URL,
        *,
        timeout: float = 300,
        retries: int = 5,
        headers: Mapping[str, str] | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        waits = httpx.Timeout(timeout, connect=min(timeout, 10))
        http = httpx.Client(base_url=_address(url), timeout=waits, headers=headers, transport=transport)
        self._exchange = Exchange(http, retries)
        self._refused: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._exchange.http.close()

    def train(
        self,
        x: Any,
        y: Any,
        *,
        model: str = "default",
        sample_weight: Any = None,
        idempotency_key: str | None = None,
        **options: Any,
    ) -> Answer:
        """Fit a line and publish it; `options` are those of `/train`. For a frame or a table, `y` and `sample_weight`
        may be names of its columns. Sent again, it trains once: that is what the key is for."""
        data = data_of(x, y, sample_weight)
        return decode(self._post(f"{_path(model)}/train", data, options, _key(idempotency_key)))

    def train_file(
        self, file: File, *, model: str = "default", idempotency_key: str | None = None, **options: Any
    ) -> Answer:
        """Fit the rows of a file, which is sent as it is and never held whole. `options` may also be `y`, `x` and
        `weight`, the names of columns; a JSON file has its options inside."""
        body = Body.of_file(file, query_of(options))
        return decode(self._exchange.send("POST", f"{_path(model)}/train", body, _key(idempotency_key)))

    def predict(self, x: Any, *, model: str = "default", version: int | None = None) -> Any:
        """ŷ for x: an array, a series, an Arrow array, or what JSON makes of it."""
        return self.prediction(x, model=model, version=version).y

    def prediction(self, x: Any, *, model: str = "default", version: int | None = None, **options: Any) -> Prediction:
        """ŷ for x and what goes with it; `options` are `interval`, `interval_kind` and `explain`."""
        data = data_of(x)
        accept = JSON if options or not data.media_type else f"{data.media_type}, {JSON};q=0.5"
        response = self._post(f"{_path(model, version)}/predict", data, options, {"Accept": accept})
        if data.media_type and media_type_of(response) == data.media_type:
            return Prediction(data.read(response.content))
        answer = decode(response)
        numbers = {name: data.like(answer.pop(name)) for name in ("y", "lower", "upper") if name in answer}
        others = {name: answer.get(name) for name in ("contributions", "model", "version")}
        return Prediction(**numbers, **others)

    def predict_file(
        self, file: File, *, model: str = "default", version: int | None = None, accept: str = JSON, **options: Any
    ) -> Iterator[bytes]:
        """The answer for the rows of a file, which is sent as it is, in the media type `accept` and piece by piece."""
        body = Body.of_file(file, query_of(options))
        response = self._exchange.begin("POST", f"{_path(model, version)}/predict", body, {"Accept": accept})
        try:
            check_media_type(response, accept)
            yield from response.iter_bytes()
        except httpx.TransportError as error:
            raise Unreachable(f"the answer broke off: {error}") from error
        finally:
            response.close()

    def evaluate(
        self, x: Any, y: Any, *, model: str = "default", version: int | None = None, sample_weight: Any = None
    ) -> Answer:
        """How well a version predicts (x, y) that it need not have seen: n, mse, rmse, mae, r2, bias."""
        return decode(self._post(f"{_path(model, version)}/evaluate", data_of(x, y, sample_weight), {}, {}))

    def evaluate_file(
        self, file: File, *, model: str = "default", version: int | None = None, **options: Any
    ) -> Answer:
        """`evaluate` for the rows of a file, which is sent as it is and never held whole; `options` are `y`, `x`,
        `weight` and `missing`."""
        body = Body.of_file(file, query_of(options))
        return decode(self._exchange.send("POST", f"{_path(model, version)}/evaluate", body))

    def models(self, prefix: str = "") -> Iterator[Answer]:
        """Every model whose name begins with `prefix`, in order of name."""
        query = {"prefix": prefix, "limit": "1000"}
        while True:
            page = decode(self._exchange.send("GET", "/models", Body(query=query)))
            yield from page["models"]
            if not page.get("next_page_token"):
                return
            query |= {"page_token": page["next_page_token"]}

    def model(self, model: str) -> Answer:
        """A model: which version serves, and which there are."""
        return decode(self._exchange.send("GET", _path(model)))

    def version(self, model: str, version: int | None = None) -> Answer:
        """The report of a version, by default of the serving one."""
        return decode(self._exchange.send("GET", self._version_path(model, version)))

    def history(self, model: str, version: int | None = None) -> Answer:
        """The loss curve of a version, by default of the serving one."""
        return decode(self._exchange.send("GET", f"{self._version_path(model, version)}/history"))

    def artifact(self, model: str, version: int | None = None) -> bytes:
        """The TorchScript file of a version, by default of the serving one."""
        return self._exchange.send("GET", f"{self._version_path(model, version)}/artifact").content

    def pin(self, model: str, version: int) -> Answer:
        """Let `version` serve, whatever is trained, until it is unpinned."""
        return decode(self._exchange.send("PUT", f"{_path(model)}/serving", Body.of_json({"version": version})))

    def unpin(self, model: str) -> Answer:
        """Let the newest version serve again."""
        return decode(self._exchange.send("DELETE", f"{_path(model)}/serving"))

    def delete(self, model: str, version: int | None = None) -> None:
        """Delete a version, or without one the model with all of them."""
        self._exchange.send("DELETE", _path(model, version))

    def release(self) -> str:
        """The release of the service."""
        response = self._exchange.send("GET", "/version")
        check_media_type(response, "text/plain")
        return response.text.strip()

    def _version_path(self, model: str, version: int | None) -> str:
        return _path(model, self.model(model)["serving"] if version is None else version)

    def _post(self, path: str, data: Data, options: Answer, headers: Mapping[str, str]) -> httpx.Response:
        """Send `data` in their binary form, or in JSON once the service has refused that."""
        binary = data.binary() if data.media_type and data.media_type not in self._refused else None
        if data.media_type and binary:
            body = Body.of_bytes(binary.content, data.media_type, binary.columns | query_of(options))
            try:
                return self._exchange.send("POST", path, body, headers)
            except Problem as problem:
                if problem.status != httpx.codes.UNSUPPORTED_MEDIA_TYPE:
                    raise
            self._refused.add(data.media_type)
        return self._exchange.send("POST", path, Body.of_json(data.document() | options), headers)


def _address(url: str) -> httpx.URL:
    """`url`, if a service may be there; raises Unsendable."""
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise Unsendable(f"{url!r} is no URL: {error}; give one such as {URL}") from None
    if address.scheme not in ("http", "https") or not address.host:
        raise Unsendable(f"{url!r} names no service; give a URL such as {URL}")
    return address


def _path(model: str, version: int | None = None) -> str:
    if "/" in model or not model.strip("."):
        raise Unsendable(f"{model!r} cannot name a model.")  # and in a path it would name something else
    path = f"/models/{quote(model, safe='')}"
    return path if version is None else f"{path}/versions/{version}"


def _key(given: str | None) -> dict[str, str]:
    if given is None:
        return {"Idempotency-Key": uuid.uuid4().hex}
    if not (given.isascii() and given.isprintable() and given):
        raise Unsendable(f"{given!r} cannot be an idempotency key; give printable ASCII characters.")
    return {"Idempotency-Key": given}
