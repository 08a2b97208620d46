"""Numbers, lists and dicts, as JSON has them."""

from typing import Any

from descent.data.base import BinaryBody, Data, without_none
from descent.options import Json


class JsonData(Data):
    """Rows that are sent as JSON. Predictions are as JSON has them."""

    media_type: str | None = None

    def __init__(self, x: Any, y: Any = None, weight: Any = None, group: Any = None) -> None:
        self._members = without_none(x=x, y=y, sample_weight=weight, group=group)

    def to_binary(self) -> BinaryBody | None:
        return None

    def to_json(self) -> Json:
        return self._members

    def from_binary(self, content: bytes) -> Any:
        raise NotImplementedError

    def from_json(self, values: Any) -> Any:
        return values
