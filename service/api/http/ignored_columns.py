"""The columns of a request that were not used, in the responses of training, prediction and evaluation."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from service.errors import MAX_NAMES, Fault, InvalidRequest
from service.formats.arrays import escape

HEADER = "Descent-Ignored-Columns"
RESPONSE_HEADERS = {
    HEADER: f"The number of columns that were ignored and up to {MAX_NAMES} names, percent-encoded, such as "
    "`3; id, na%C3%AFve`; absent if there are none."
}
"""The header and its description."""
MAX_HEADER_CHARACTERS = 2000
"""Proxies refuse long headers, so names that do not fit are left out."""


def check(names: Sequence[str], *, strict: bool) -> None:
    """Raise InvalidRequest for ignored columns `names` of a strict request."""
    if strict:
        faults = [
            Fault(f"/x/{escape(name)}", "is not a column of the model; leave it out, or strict") for name in names
        ]
        if faults:
            raise InvalidRequest.of(faults)


def member(names: Sequence[str]) -> dict[str, Any]:
    """Return the member of a JSON response for the ignored columns `names`; empty if there are none."""
    return {"ignored_columns": {"count": len(names), "names": list(names[:MAX_NAMES])}} if names else {}


def headers(names: Sequence[str], header: str = HEADER) -> dict[str, str]:
    """Return the header of a response for the ignored columns `names`, or for other names; empty if there are none."""
    encoded = [quote(name[:MAX_HEADER_CHARACTERS], safe="") for name in names[:MAX_NAMES]]
    while len(", ".join(encoded)) > MAX_HEADER_CHARACTERS:
        encoded.pop()
    value = f"{len(names)}; {', '.join(encoded)}" if encoded else str(len(names))
    return {header: value} if names else {}
