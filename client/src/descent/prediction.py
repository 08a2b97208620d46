"""Results of predicting."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import httpx

from descent.data import Data
from descent.errors import Problem, Unreachable
from descent.options import Json
from descent.responses import check_media_type

COLUMNS = ("y", "lower", "upper")
OTHERS = ("contributions", "mean_prediction", "model", "version", "dropped", "ignored_columns")


@dataclass(frozen=True)
class Prediction:
    """Predictions with what was requested beside them.

    Attributes:
        y: predicted values, of the same kind as x.
        lower: lower bounds of the intervals, of the same kind as x; None without `interval`.
        upper: upper bounds of the intervals, of the same kind as x; None without `interval`.
        contributions: w·(x − mean) of each column; None without `explain`, and with `group`.
        mean_prediction: prediction at the mean of the training data; None without `explain`, and with `group`.
        model: name of the model; None with `group`.
        version: number of the version; None with `group`.
        dropped: rows that were left out; None without missing="drop".
        ignored_columns: "count" and the first "names" of the columns that the model does not have; None if it has all.
        groups: the result of each group as the service returned it, with its contributions; None without `group`.
    """

    y: Any
    lower: Any = None
    upper: Any = None
    contributions: Any = None
    mean_prediction: float | None = None
    model: str | None = None
    version: int | None = None
    dropped: int | None = None
    ignored_columns: Json | None = None
    groups: list[Json] | None = None

    @property
    def failed_groups(self) -> dict[str, Problem]:
        """The reason for each group that failed, by its label. Predictions for its rows are missing."""
        failed = (each for each in self.groups or [] if "problem" in each)
        return {each["group"]: Problem(each["problem"]["status"], each["problem"]) for each in failed}

    @classmethod
    def from_binary(cls, data: Data, response: httpx.Response) -> "Prediction":
        """Return the prediction in a response in the media type of `data`."""
        model, version = (response.headers.get(name) for name in ("Descent-Model", "Descent-Version"))
        return cls(
            data.from_binary(response.content),
            model=model,
            version=version and int(version),
            ignored_columns=parse_names(response.headers.get("Descent-Ignored-Columns")),
        )

    @classmethod
    def from_json(cls, data: Data, answer: Json, *, drops: bool) -> "Prediction":
        """Return the prediction in a JSON response, from which the service may have dropped rows."""
        rows = data.complete_rows(answer.get("ignored_columns", {}).get("names", ())) if drops else None
        columns = {name: data.from_rows(answer[name], rows) for name in COLUMNS if name in answer}
        return cls(**columns, **{name: answer.get(name) for name in OTHERS})

    @classmethod
    def from_groups(cls, data: Data, results: list[Json]) -> "Prediction":
        """Return the predictions of all groups in the order of the rows, with None for groups that failed."""
        rows = sorted(row for each in results for row in each.get("rows", ()))
        columns = {}
        for name in COLUMNS:
            if name == "y" or any(name in each for each in results):
                found = dict(pair for each in results for pair in zip(each["rows"], each.get(name, ()), strict=False))
                columns[name] = data.from_rows([found.get(row) for row in rows], rows)
        dropped = [each["dropped"] for each in results if "dropped" in each]
        return cls(**columns, dropped=sum(dropped) if dropped else None, groups=results)


class Pieces(Iterator[bytes]):
    """The content of a response in pieces; the request is sent when the first one is read.

    Attributes:
        failed_groups: "count" and the first "names" of the groups that failed; None if there are none, or if no piece
            has been read.
    """

    def __init__(self, send: Callable[[], httpx.Response], media_type: str) -> None:
        self.failed_groups: Json | None = None
        self._pieces = self._receive(send, media_type)

    def __next__(self) -> bytes:
        return next(self._pieces)

    def _receive(self, send: Callable[[], httpx.Response], media_type: str) -> Iterator[bytes]:
        response = send()
        try:
            check_media_type(response, media_type)
            self.failed_groups = parse_names(response.headers.get("Descent-Failed-Groups"))
            yield from response.iter_bytes()
        except httpx.TransportError as error:
            raise Unreachable(f"{response.url} broke off its response: {error}.") from error
        finally:
            response.close()


def parse_names(header: str | None) -> Json | None:
    """Return the count and the names in a header such as `3; id, na%C3%AFve`."""
    if header is None:
        return None
    count, _, names = header.partition(";")
    return {"count": int(count), "names": [unquote(name.strip()) for name in names.split(",")]}
