"""Idempotency keys: the trainings that a model has already answered, kept in its newest version.

A key and its result are published in one step, so a repeated training counts once, even after a crash.
"""

import hashlib
import struct
from dataclasses import dataclass

from service.errors import KeyReused

MAX_KEYS = 1000
ENTRY = struct.Struct("<16s16sQ")


@dataclass(frozen=True)
class Token:
    """The identity of a training: its key, and a digest of its request."""

    key: str
    request: bytes

    @classmethod
    def of(cls, key: str, *parts: bytes) -> "Token":
        """Return the token of a request that consists of `parts`."""
        digest = hashlib.blake2b(digest_size=16)
        for part in parts:
            digest.update(len(part).to_bytes(8, "little") + part)
        return cls(key, digest.digest())

    @property
    def hash(self) -> bytes:
        """Return the digest of the key, which is stored in its place."""
        return hashlib.blake2b(self.key.encode(), digest_size=16).digest()


@dataclass(frozen=True)
class Keys:
    """The last keys of a model, oldest first, as stored in its newest version."""

    packed: bytes = b""

    def version_of(self, token: Token) -> int | None:
        """Return the version that a training with this key published; raises KeyReused for another request."""
        for key, request, version in ENTRY.iter_unpack(self.packed):
            if key == token.hash:
                if request != token.request:
                    raise KeyReused(f"Idempotency-Key {token.key!r} was used for another request; use a new key.")
                return int(version)
        return None

    def with_token(self, token: Token | None, version: int) -> "Keys":
        """Return these keys and that of `version`, without the oldest if there are too many."""
        if token is None:
            return self
        packed = self.packed + ENTRY.pack(token.hash, token.request, version)
        return Keys(packed[-MAX_KEYS * ENTRY.size :])
