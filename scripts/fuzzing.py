"""Hooks that schemathesis loads before it tests the service."""

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def ndjson(context, value):
    """Return bytes unchanged, and any other value as text in UTF-8."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@schemathesis.hook
def map_case(context, case):
    """Remove options from the query of a JSON request: they belong in its body."""
    if case.media_type == "application/json" and case.query:
        case.query = {name: value for name, value in case.query.items() if name == "model"}
    return case
