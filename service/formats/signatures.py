"""Recognise the format of a body that does not have the format of its media type."""

from service.errors import MalformedBody

NUMBER_OF_BYTES = 512
"""The bytes of a body that are enough to recognise its format."""
SIGNATURES = {
    b"ARROW1": ("an Arrow file", "Content-Type: application/vnd.apache.arrow.file"),
    b"\xff\xff\xff\xff": ("an Arrow stream", "Content-Type: application/vnd.apache.arrow.stream"),
    b"FEA1": ("a Feather file of version 1", "version 2"),
    b"PAR1": ("a Parquet file", "Content-Type: application/vnd.apache.parquet"),
    b"\x93NUMPY": ("a .npy file", "Content-Type: application/x-npy"),
    b"\x1f\x8b": ("gzip data", "Content-Encoding: gzip"),
    b"\x28\xb5\x2f\xfd": ("zstd data", "Content-Encoding: zstd"),
    b"PK\3\4": ("a zip archive, such as an Excel file", "a table saved as CSV"),
    b"\xd0\xcf\x11\xe0": ("an old Excel file", "a table saved as CSV"),
    b"\x80\4": ("a Python pickle", "a table saved as Parquet"),
    b"\x80\5": ("a Python pickle", "a table saved as Parquet"),
    b"RDX": ("R data", "a table saved as CSV"),
    b"{": ("JSON", "Content-Type: application/json"),
    b"[": ("JSON", "Content-Type: application/json"),
}
"""The first bytes of formats, their names, and what to send instead."""


def is_known(start: bytes) -> bool:
    """Return whether a body that begins with `start` has a format with a signature."""
    return any(start.startswith(signature) for signature in SIGNATURES)


def mismatch(expected: str, start: bytes) -> MalformedBody:
    """Return the error of a body that is not `expected`, as in "an Arrow stream", but begins with `start`."""
    if not start:
        return MalformedBody(f"The body is empty; send {expected}.")
    named = (found for signature, found in SIGNATURES.items() if start.lstrip().startswith(signature))
    name, remedy = next(named, (None, ""))
    if name is None and _is_text(start):
        name, remedy = "text", "Content-Type: text/csv if it is CSV"
    looks = f"looks like {name}. Send {remedy}" if name else f"begins with the bytes {start[:8].hex(' ')}. Send one"
    return MalformedBody(f"The body is not {expected}: it {looks}.")


def _is_text(start: bytes) -> bool:
    return all(
        character.isprintable() or character.isspace() for character in start.decode("utf-8-sig", "ignore")[:100]
    )
