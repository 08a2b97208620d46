"""Exceptions of the client.

ClientError
├── Problem             the service refused the request or failed; has the fields of its problem document
├── Unreachable         no response: the connection was refused or lost, or timed out
├── InvalidArgument     an argument cannot be sent: a name, a URL, a column, a number that JSON does not have
└── UnexpectedResponse  the response is not one of a Descent service
"""

import email.utils
import json
import time
from collections.abc import Mapping
from typing import Any

import httpx

from descent.wording import as_parameter, reword

STANDARD_MEMBERS = ("type", "title", "status", "detail", "errors")


class ClientError(Exception):
    """Base class of the client's exceptions."""


class Unreachable(ClientError):
    """The service did not respond."""


class InvalidArgument(ClientError):
    """An argument cannot be sent to the service. Nothing was sent."""


class UnexpectedResponse(ClientError):
    """The response does not come from a Descent service, or not from this version of it."""


class Problem(ClientError):
    """The service refused the request or failed, as its problem document (RFC 9457) says.

    As text, it is the detail with options as parameters of the client, such as missing="drop".

    Attributes:
        status: HTTP status of the response.
        type: URN of the kind of problem, or "about:blank".
        title: the kind of problem in words.
        detail: what is wrong and how to correct it.
        errors: the fields at fault, each with "pointer" and "detail".
        members: all other members of the document, such as "largest_stable_learning_rate".
        retry_after: seconds that the service asks to wait, or None.
    """

    def __init__(self, status: int, document: Mapping[str, Any], retry_after: float | None = None) -> None:
        self.status = status
        self.type: str = document.get("type", "about:blank")
        self.title: str = document.get("title", "")
        self.detail: str = document.get("detail", "")
        self.errors: list[dict[str, str]] = document.get("errors", [])
        self.members = {name: value for name, value in document.items() if name not in STANDARD_MEMBERS}
        self.retry_after = retry_after
        super().__init__(reword(self.detail, as_parameter) or self.title)

    def document(self) -> dict[str, Any]:
        """Return the problem document."""
        standard = {"type": self.type, "title": self.title, "status": self.status, "detail": self.detail}
        return standard | ({"errors": self.errors} if self.errors else {}) | self.members

    @classmethod
    def from_response(cls, response: httpx.Response) -> "Problem":
        """Return the problem that an error response carries. The page of a proxy becomes its detail."""
        try:
            document = json.loads(response.content)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            document = {"title": response.reason_phrase, "detail": response.text[:200].strip()}
        return cls(response.status_code, document, parse_retry_after(response.headers.get("Retry-After")))


def parse_retry_after(header: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for, given as a number or as a date."""
    if header is None:
        return None
    if header.isdecimal():
        return float(header)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    except ValueError:
        return None
