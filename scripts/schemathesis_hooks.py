"""Hooks that adapt schemathesis to this service."""

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def ndjson(context, value):
    """Return bytes unchanged and the text of any other value."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@schemathesis.hook
def map_case(context, case):
    """Drop the query parameters that only tables have: a JSON body contains its options."""
    if case.media_type == "application/json" and case.query:
        case.query = {name: value for name, value in case.query.items() if name == "model"}
    return case
