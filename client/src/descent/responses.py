"""Media types and JSON of responses."""

import httpx

from descent.errors import UnexpectedResponse
from descent.options import Json
from descent.request_body import JSON


def media_type_of(response: httpx.Response) -> str:
    """Return the media type of a response, without parameters."""
    return str(response.headers.get("Content-Type", "")).split(";")[0].strip()


def check_media_type(response: httpx.Response, expected: str) -> None:
    """Raise UnexpectedResponse if the response has another media type than `expected`."""
    found = media_type_of(response)
    if found != expected:
        raise UnexpectedResponse(f"{response.url} returned {found or 'no media type'} instead of {expected}.")


def decode_object(response: httpx.Response) -> Json:
    """Return the JSON object of a response, or {} if it has no content. Raises UnexpectedResponse."""
    if not response.content:
        return {}
    check_media_type(response, JSON)
    try:
        document = response.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise UnexpectedResponse(f"{response.url} returned JSON that is not an object.")
    return document
