"""The interface of the data types."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple, Protocol

from descent.options import Json

Rows = Sequence[int] | None
"""Positions of rows; None for all."""


class BinaryBody(NamedTuple):
    """A body in a binary media type, and the query parameters that name its columns of y and weights."""

    content: bytes
    column_query: dict[str, str]


class Data(Protocol):
    """Rows of x, and their y and weights if there are any."""

    media_type: str | None
    """Binary media type of the data, or None if it has none."""

    def to_binary(self) -> BinaryBody | None:
        """Return the body in `media_type`, or None if the data has no such form."""

    def to_json(self) -> Json:
        """Return the members of a JSON body."""

    def complete_rows(self, unused: Collection[str]) -> Rows:  # noqa: ARG002 - for data with an index
        """Return the rows without missing values outside of the columns `unused`; None for data without an index."""
        return None

    def from_binary(self, content: bytes) -> Any:
        """Return predictions in `media_type` as values of the same kind as x."""

    def from_json(self, values: Any) -> Any:
        """Return predictions in JSON as values of the same kind as x."""

    def from_rows(self, values: Any, rows: Rows) -> Any:  # noqa: ARG002
        """Return predictions in JSON, which are those of `rows` if given, as values of the same kind as x."""
        return self.from_json(values)


def without_none(**members: Any) -> Json:
    """Return the members that are not None."""
    return {name: value for name, value in members.items() if value is not None}
