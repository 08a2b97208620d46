"""What schemathesis has to know of this service."""

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def ndjson(context, value):
    """Texts and bytes as they are, all else as a text."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@schemathesis.hook
def map_case(context, case):
    """A JSON body has its options inside: only those of tables stand in the query."""
    if case.media_type == "application/json" and case.query:
        case.query = {name: value for name, value in case.query.items() if name == "model"}
    return case
