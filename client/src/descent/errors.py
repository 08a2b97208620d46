"""What can go wrong between a client and its service.

ClientError
├── Problem          the service refused or failed, with the fields of its problem document
├── Unreachable      no answer, after all retries
├── Unsendable       what was given cannot be sent: a name, a URL, a column
└── Unintelligible   an answer that is none of a Descent service
"""

import email.utils
import json
import time
from collections.abc import Mapping
from typing import Any

import httpx

KNOWN = ("type", "title", "status", "detail", "errors")


class ClientError(Exception):
    """Every error that the client raises of its own."""


class Unreachable(ClientError):
    """The service gave no answer."""


class Unsendable(ClientError):
    """What was given cannot be made into a request."""


class Unintelligible(ClientError):
    """What answered is no Descent service."""


class Problem(ClientError):
    """The service's own account of what is wrong (RFC 9457); `members` are the fields that only some problems have."""

    def __init__(self, status: int, document: Mapping[str, Any], retry_after: float | None = None) -> None:
        self.status = status
        self.type: str = document.get("type", "about:blank")
        self.title: str = document.get("title", "")
        self.detail: str = document.get("detail", "")
        self.errors: list[dict[str, str]] = document.get("errors", [])
        self.members = {name: value for name, value in document.items() if name not in KNOWN}
        self.retry_after = retry_after
        super().__init__(self.detail or self.title)

    def document(self) -> dict[str, Any]:
        """The problem as the service wrote it."""
        fields = {"type": self.type, "title": self.title, "status": self.status, "detail": self.detail}
        return fields | ({"errors": self.errors} if self.errors else {}) | self.members

    @classmethod
    def of(cls, response: httpx.Response) -> "Problem":
        """The problem that `response`, which is no success, tells of; a proxy's page becomes one as well."""
        try:
            document = json.loads(response.content)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            document = {"title": response.reason_phrase, "detail": response.text[:200].strip()}
        return cls(response.status_code, document, seconds_to_wait(response.headers.get("Retry-After")))


def seconds_to_wait(retry_after: str | None) -> float | None:
    """The seconds that a Retry-After header asks for, as a number or as a date."""
    if retry_after is None:
        return None
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time())
    except ValueError:
        return None
