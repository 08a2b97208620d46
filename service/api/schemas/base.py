"""Schemas that refuse what they do not know, with faults that say where and what to change."""

import difflib
from collections.abc import Iterator
from typing import Any, ClassVar, NoReturn

from marshmallow import RAISE, Schema, ValidationError, fields

from service.errors import LONGEST_NAME, Fault, InvalidRequest
from service.formats.arrays import escape

OWN_WORDS = {
    "Missing data for required field.": "is required",
    "Field may not be null.": "is null; give a value",
}
"""What is said in place of marshmallow's own messages."""


class Request(Schema):
    """A schema whose faults are an InvalidRequest that points at the fields and names the nearest known one."""

    called: ClassVar = "field"

    class Meta:
        unknown = RAISE

    def handle_error(self, error: ValidationError, data: Any, **_: Any) -> NoReturn:
        if not isinstance(error.messages, dict) or ("_schema" in error.messages and not isinstance(data, dict)):
            raise InvalidRequest.at("", 'is not an object; send one such as {"x": [1, 2]}')
        raise InvalidRequest.of(self._faults(error.messages))

    def _faults(self, messages: dict[str, Any]) -> Iterator[Fault]:
        for name, each in messages.items():
            if name not in self.fields:
                detail = f"is not a {self.called} here; {self._known_field(name)}"
                yield Fault(f"/{escape(name[:LONGEST_NAME])}", detail)
            else:
                yield from _nested(f"/{escape(name)}", each, self.fields[name])

    def _known_field(self, name: str) -> str:
        if not self.fields:
            return "there are none"
        near = difflib.get_close_matches(name[:LONGEST_NAME], self.fields, n=1, cutoff=0.5)
        if near:
            return f"the nearest is {near[0]!r}"
        if len(self.fields) == 1:
            return f"the only one is {next(iter(self.fields))!r}"
        return f"the {self.called}s are {', '.join(self.fields)}"


class Query(Request):
    """The parameters of a query."""

    called = "query parameter"


def _nested(at: str, messages: Any, field: Any) -> Iterator[Fault]:
    """The faults of a field, and of what it holds: marshmallow keeps those of an object's keys and values apart."""
    if not isinstance(messages, dict):
        yield Fault(at, "; ".join(OWN_WORDS.get(message, message) for message in messages))
        return
    for name, each in messages.items():
        below = f"{at}/{escape(str(name)[:LONGEST_NAME])}"
        for own in each.values() if isinstance(field, fields.Mapping) else [each]:
            yield from _nested(below, own, None)
