"""Idempotency keys: which trainings a model has already answered, kept in its newest version.

Key and rows are published in one step, so a retried training counts once however the first try ended.
"""

import hashlib
import struct
from dataclasses import dataclass

from service.errors import KeyReused

MOST_KEYS = 1000
ENTRY = struct.Struct("<16s16sQ")


@dataclass(frozen=True)
class Token:
    """What identifies a training: its key, and a digest of the request that came with it."""

    key: str
    request: bytes

    @classmethod
    def of(cls, key: str, *parts: bytes) -> "Token":
        """The token of a request that consists of `parts`."""
        digest = hashlib.blake2b(digest_size=16)
        for part in parts:
            digest.update(len(part).to_bytes(8, "little") + part)
        return cls(key, digest.digest())

    @property
    def hash(self) -> bytes:
        """What is kept of the key."""
        return hashlib.blake2b(self.key.encode(), digest_size=16).digest()


@dataclass(frozen=True)
class Keys:
    """The last keys of a model, oldest first, as they stand in its newest version."""

    packed: bytes = b""

    def version_of(self, token: Token) -> int | None:
        """The version that a training with this key has published; raises KeyReused if it was another training."""
        for key, request, version in ENTRY.iter_unpack(self.packed):
            if key == token.hash:
                if request != token.request:
                    raise KeyReused(f"Idempotency-Key {token.key!r} came with another request; use a new key.")
                return int(version)
        return None

    def having(self, token: Token | None, version: int) -> "Keys":
        """These and one more, which published `version`; the oldest make room."""
        if token is None:
            return self
        packed = self.packed + ENTRY.pack(token.hash, token.request, version)
        return Keys(packed[-MOST_KEYS * ENTRY.size :])
