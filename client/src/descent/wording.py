"""The service names options as its requests do: `missing=drop`, `"method": "spectral"`, `/l2: is -1`."""

import re
from collections.abc import Callable
from urllib.parse import unquote

Write = Callable[[str, str | None], str | None]
"""Returns the words for an option and its value, which is None if there is none; None to keep those of the service."""

_OPTION = re.compile(
    r'"(?!(?:x|y)")(\w+)": "?([\w.+-]+)"?'  # a member; {"x": 1, "y": 2} is an example of a row
    r"|(?<![\w/?&])([a-z]\w*)=([\w.-]*\w)?"  # a parameter, but not in the query of a URL
    r"|(?:^|(?<=; ))/(?!x:)(\w+)(?=: )"  # a pointer to an option; /x is all rows
)
_SEPARATOR = re.compile(r"(&?)\b(delimiter|decimal|thousands)=(%20|tab|[^\w\s])(?: to the query)?")
_CONSTANTS = {"true": "True", "false": "False", "null": "None"}


def reword(text: str, write: Write) -> str:
    """Return a message of the service with its options in other words."""

    def replace(match: re.Match[str]) -> str:
        member, member_value, parameter, parameter_value, pointer = match.groups()
        found = write(member or parameter or pointer, member_value or parameter_value)
        return match[0] if found is None else found

    def replace_separator(match: re.Match[str]) -> str:
        found = write(match[2], unquote(match[3]))
        return match[0] if found is None else " " * len(match[1]) + found

    return _OPTION.sub(replace, _SEPARATOR.sub(replace_separator, text))


def as_parameter(name: str, value: str | None) -> str | None:
    """Return an option as a parameter of the client: `missing="drop"`. Pointers and names stay as they are."""
    if value is None:
        return None
    is_number = re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", value)
    return f"{name}={value if is_number else _CONSTANTS.get(value) or repr(value)}"
