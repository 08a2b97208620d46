"""What can go wrong, as its users see it. `service.api.http.problems` says with which HTTP status.

DescentError
├── MalformedBody            the body is not what its media type says
├── UnsupportedMediaType     a media type or charset nobody here reads
├── BodyTooLarge             more bytes than DESCENT_MAX_BODY_BYTES
├── InvalidRequest           well-formed, but the content cannot be used; `faults` point at the fields
├── DivergingLearningRate            a learning rate at or past the largest stable one
├── NotFound                 no such model or version
│   ├── ModelNotFound
│   └── VersionNotFound
├── Conflict                 the model's state does not allow it
├── PreconditionFailed       If-Match or If-None-Match does not hold
├── KeyReused                an Idempotency-Key that came with another request before
├── InvalidModelConfig            a configuration of a model that cannot be followed
├── CorruptArtifact           a version whose file is not what was written
├── Busy                     other publishers of the model were quicker, again and again
└── StoreUnavailable         the store cannot be read or written
"""

from collections.abc import Iterable, Sequence
from itertools import groupby, islice
from typing import NamedTuple

MOST_FAULTS = 10
"""Faults that one answer tells; who has more of them has seen enough."""
MOST_NAMED = 20
LONGEST_NAME = 100
LONGEST_FAULT = 1000
LONGEST_DETAIL = 2000
"""Characters of a name, of a fault's pointer or detail, and of an error's detail that are told: names are the client's,
and of any length."""


def counted(count: float, noun: str) -> str:
    """How many of something there are, in words: 1 number, 2 numbers."""
    return f"{count:.15g} {noun}" if count == 1 else f"{count:.15g} {noun}s"


class Fault(NamedTuple):
    """One thing wrong with one field: an RFC 6901 JSON pointer into the request, and what to change."""

    pointer: str
    detail: str


class DescentError(Exception):
    """An error with a stable `slug`, a `title` for its kind, and a `detail` that says what to change."""

    slug = "error"
    title = "Error"

    def __init__(self, detail: str, faults: Iterable[Fault] = (), **facts: object) -> None:
        self.detail = _cut(detail, LONGEST_DETAIL)
        self.faults = truncate(faults)
        self.facts = facts
        super().__init__(self.detail)


class MalformedBody(DescentError):
    slug = "malformed-body"
    title = "The body cannot be read"


class UnsupportedMediaType(DescentError):
    slug = "unsupported-media-type"
    title = "The body's media type is not supported"


class BodyTooLarge(DescentError):
    slug = "body-too-large"
    title = "The body is too large"


class InvalidRequest(DescentError):
    slug = "invalid-request"
    title = "The request's content cannot be used"

    @classmethod
    def at(cls, pointer: str, detail: str) -> "InvalidRequest":
        """One fault at one field."""
        return cls.of([Fault(pointer, detail)])

    @classmethod
    def of(cls, faults: Iterable[Fault], advice: str = "") -> "InvalidRequest":
        """Some faults, and what helps with all of them."""
        first = truncate(faults)
        places = groupby(first, key=lambda fault: fault.pointer)
        listing = "; ".join(f"{at}: {'; '.join(fault.detail for fault in those)}" for at, those in places)
        return cls(f"{listing}. {advice}" if advice else listing, first)


class DivergingLearningRate(InvalidRequest):
    slug = "diverging-learning-rate"
    title = "The learning rate makes gradient descent diverge"


class NotFound(DescentError):
    slug = "not-found"
    title = "Not found"


class ModelNotFound(NotFound):
    slug = "model-not-found"
    title = "There is no such model"


class VersionNotFound(NotFound):
    slug = "version-not-found"
    title = "The model has no such version"


class Conflict(DescentError):
    slug = "conflict"
    title = "The model's state does not allow this"


class PreconditionFailed(DescentError):
    slug = "precondition-failed"
    title = "The model is not as the request expects"


class KeyReused(DescentError):
    slug = "idempotency-key-reused"
    title = "The idempotency key belongs to another request"


class InvalidModelConfig(DescentError):
    slug = "invalid-model-config"
    title = "The model's configuration cannot be followed"


class PublishContention(DescentError):
    slug = "publish-contention"
    title = "Too busy now"


class CorruptArtifact(DescentError):
    slug = "corrupt-artifact"
    title = "The version's file is damaged"


class StoreUnavailable(DescentError):
    slug = "store-unavailable"
    title = "The store cannot be used"


def truncate(faults: Iterable[Fault]) -> list[Fault]:
    """As many of some faults, and as much of each, as an answer tells."""
    first = islice(faults, MOST_FAULTS)
    return [Fault(_cut(pointer, LONGEST_FAULT), _cut(detail, LONGEST_FAULT)) for pointer, detail in first]


def quoted(name: str) -> str:
    """A name that a client gave, as it is told."""
    return repr(_cut(name, LONGEST_NAME))


def listed(names: Sequence[str]) -> str:
    """The first of some names, as they are told."""
    return ", ".join(map(quoted, names[:MOST_NAMED])) + (" …" if len(names) > MOST_NAMED else "")


def _cut(text: str, most: int) -> str:
    """The beginning of `text`; without the tilde that half a pointer's escape would leave at its end."""
    return text if len(text) <= most else f"{text[:most].rstrip('~')}…"
