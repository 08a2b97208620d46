"""The errors of the service; `service.api.http.problems` answers with them.

DescentError
├── MalformedBody, UnsupportedMediaType, BodyTooLarge, ClientDisconnected
├── InvalidRequest
│   └── DivergingLearningRate
├── NotFound
│   ├── ModelNotFound
│   └── VersionNotFound
├── Conflict, PreconditionFailed, KeyReused
├── InvalidModelConfig, CorruptArtifact
└── PublishContention, StoreUnavailable
"""

from collections.abc import Iterable, Sequence
from itertools import groupby, islice
from typing import NamedTuple

MAX_FAULTS = 10
"""Faults that one response reports."""
MAX_NAMES = 20
MAX_NAME = 100
MAX_FAULT = 1000
MAX_DETAIL = 2000
"""Characters of a name, of a fault's pointer or detail, and of an error's detail; a client's names have any length."""


def counted(count: float, noun: str) -> str:
    """Return a count with its noun: 1 number, 2 numbers."""
    return f"{count:.15g} {noun}" if count == 1 else f"{count:.15g} {noun}s"


class Fault(NamedTuple):
    """A fault of one field: an RFC 6901 JSON pointer into the request, and what to change."""

    pointer: str
    detail: str


class DescentError(Exception):
    """An error with an HTTP `status`, a stable `slug` and the `title` of its kind, and a `detail` of what to change."""

    status: int
    slug: str
    title: str

    def __init_subclass__(cls, *, status: int, slug: str, title: str) -> None:
        cls.status, cls.slug, cls.title = status, slug, title

    def __init__(self, detail: str, faults: Iterable[Fault] = (), **facts: object) -> None:
        self.detail = _cut(detail, MAX_DETAIL)
        self.faults = truncate(faults)
        self.facts = facts
        super().__init__(self.detail)


class MalformedBody(DescentError, status=400, slug="malformed-body", title="The body is malformed"):
    """The body does not follow its media type."""


class UnsupportedMediaType(
    DescentError, status=415, slug="unsupported-media-type", title="The body's media type is not supported"
):
    """An unknown media type or charset."""


class BodyTooLarge(DescentError, status=413, slug="body-too-large", title="The body is too large"):
    """More bytes than DESCENT_MAX_BODY_BYTES or DESCENT_MAX_STREAM_BYTES."""


class ClientDisconnected(
    DescentError, status=499, slug="client-disconnected", title="The client closed the connection"
):
    """The client does not wait for the response, so the rest of the work is not done."""


class InvalidRequest(DescentError, status=422, slug="invalid-request", title="The request is invalid"):
    """Well-formed, but invalid; `faults` point at the fields."""

    @classmethod
    def at(cls, pointer: str, detail: str) -> "InvalidRequest":
        """Return an error with one fault."""
        return cls.of([Fault(pointer, detail)])

    @classmethod
    def of(cls, faults: Iterable[Fault], advice: str = "") -> "InvalidRequest":
        """Return an error with several faults, and advice on all of them."""
        first = truncate(faults)
        places = groupby(first, key=lambda fault: fault.pointer)
        listing = "; ".join(f"{at}: {'; '.join(fault.detail for fault in group)}" for at, group in places)
        return cls(f"{listing}. {advice}" if advice else listing, first)


class DivergingLearningRate(
    InvalidRequest, status=422, slug="diverging-learning-rate", title="The learning rate makes gradient descent diverge"
):
    """A learning rate at or above the largest stable one."""


class NotFound(DescentError, status=404, slug="not-found", title="Not found"):
    """A resource that does not exist."""


class ModelNotFound(NotFound, status=404, slug="model-not-found", title="The model does not exist"):
    """No model has the name."""


class VersionNotFound(NotFound, status=404, slug="version-not-found", title="The version does not exist"):
    """The model has no version with the number."""


class Conflict(DescentError, status=409, slug="conflict", title="The state of the model does not allow this"):
    """The state of the model does not allow the request."""


class PreconditionFailed(DescentError, status=412, slug="precondition-failed", title="A precondition failed"):
    """If-Match or If-None-Match does not hold."""


class KeyReused(
    DescentError, status=422, slug="idempotency-key-reused", title="The idempotency key was used for another request"
):
    """An Idempotency-Key that was used for another request."""


class InvalidModelConfig(
    DescentError, status=503, slug="invalid-model-config", title="The model's configuration is invalid"
):
    """An invalid config.pbtxt."""


class PublishContention(DescentError, status=503, slug="publish-contention", title="Other publishers were faster"):
    """Publishers on other machines were faster in every attempt."""


class CorruptArtifact(DescentError, status=503, slug="corrupt-artifact", title="The version's file is damaged"):
    """A damaged version file, or one in a later format."""


class StoreUnavailable(DescentError, status=503, slug="store-unavailable", title="The store is unavailable"):
    """The store cannot be read or written."""


def truncate(faults: Iterable[Fault]) -> list[Fault]:
    """Return the first faults, each cut to its maximum length."""
    first = islice(faults, MAX_FAULTS)
    return [Fault(_cut(pointer, MAX_FAULT), _cut(detail, MAX_FAULT)) for pointer, detail in first]


def quoted(name: str) -> str:
    """Return a client's name in quotes, cut to its maximum length."""
    return repr(_cut(name, MAX_NAME))


def listed(names: Sequence[str]) -> str:
    """Return the first names in quotes."""
    return ", ".join(map(quoted, names[:MAX_NAMES])) + (" …" if len(names) > MAX_NAMES else "")


def _cut(text: str, length: int) -> str:
    """Return the first `length` characters of `text`, without the tilde of a split pointer escape."""
    return text if len(text) <= length else f"{text[:length].rstrip('~')}…"
