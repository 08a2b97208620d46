"""JSON: the codec, fast arrays of numbers, and the JSON bodies of other protocols."""

from service.formats.json.codec import MEDIA_TYPE, decode, decode_rows, encode

__all__ = ["MEDIA_TYPE", "decode", "decode_rows", "encode"]
