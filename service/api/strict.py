"""Schemas that refuse what they do not know, with faults that say where and what to change."""

import difflib
import itertools
from typing import Any, NoReturn

from marshmallow import RAISE, Schema, ValidationError

from service.errors import MOST_FAULTS, Fault, InvalidRequest
from service.formats.arrays import escape

LONGEST_NAME = 100
"""Characters of an unknown field's name that are told, and looked for among the known."""


class Request(Schema):
    """A schema whose faults are an InvalidRequest that points at the fields and names the nearest known one."""

    class Meta:
        unknown = RAISE

    def handle_error(self, error: ValidationError, data: Any, **_: Any) -> NoReturn:
        if not isinstance(error.messages, dict) or ("_schema" in error.messages and not isinstance(data, dict)):
            raise InvalidRequest.at("", 'is no object; send one such as {"x": [1, 2]}')
        named = itertools.islice(error.messages.items(), MOST_FAULTS)
        faults = [self._fault(name, messages) for name, messages in named]
        raise InvalidRequest("; ".join(f"{fault.pointer}: {fault.detail}" for fault in faults), faults)

    def _fault(self, name: str, messages: Any) -> Fault:
        if name not in self.fields:
            return Fault(f"/{escape(name[:LONGEST_NAME])}", f"is not a field here; {self._known_field(name)}")
        return Fault(f"/{escape(name)}", " ".join(messages) if isinstance(messages, list) else str(messages))

    def _known_field(self, name: str) -> str:
        if not self.fields:
            return "there are none"
        near = difflib.get_close_matches(name[:LONGEST_NAME], self.fields, n=1, cutoff=0.5)
        return f"the nearest is {near[0]!r}" if near else f"the fields are {', '.join(self.fields)}"
