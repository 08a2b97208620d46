"""Requests for several models: each row has the label of its group, and each group has a result."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from flask import request

from service.api.http import ignored_columns, problems
from service.api.http.context import services
from service.api.http.response import ViewResult
from service.errors import MAX_NAMES, ClientDisconnected
from service.formats.grouped_rows import BodyError, Bounds, GroupedRows
from service.formats.labels import Numbers
from service.formats.table import Columns

GroupView = Callable[[str, Numbers], dict[str, Any]]
"""Returns the result for a model and the positions of its rows in the request."""

FAILED = "Descent-Failed-Groups"
RESPONSE_HEADERS = ignored_columns.RESPONSE_HEADERS | {
    FAILED: f"The number of groups that failed and up to {MAX_NAMES} labels, percent-encoded, such as `2; a, b%20c`; "
    "absent if there are none."
}


def load_rows(body: dict[str, Any]) -> GroupedRows:
    """Return the rows of a request; raise InvalidRequest, BodyTooLarge and MalformedBody."""
    settings = services().settings
    rows: GroupedRows = body["rows"](Bounds(settings.max_groups, settings.max_body_bytes))
    return rows


def group_results(rows: GroupedRows, prefix: str, view: GroupView) -> Iterator[dict[str, Any]]:
    """Yield the result of `view` for each group, in order of appearance; a group that fails has a problem instead.

    Raises ClientDisconnected once the client does not wait any more, and the errors of the body.
    """
    for label, numbers in rows.groups():
        if not services().body_adapter.is_connected(request.environ):
            raise ClientDisconnected("The client closed the connection before the last group.")
        group = {"group": label, "model": prefix + label, "rows": numbers}
        try:
            yield group | view(prefix + label, numbers)
        except BodyError as error:
            raise error.error from None
        except Exception as error:  # noqa: BLE001 - logged with its problem
            error.add_note(f"in group {label!r}")
            yield group | {"problem": problems.of_error(error)}


def result_of(
    rows: GroupedRows, results: list[dict[str, Any]], ignored: list[Sequence[str]], table: Columns | None = None
) -> ViewResult:
    """Return the response with the `results`; its headers name failed groups, and columns that each group ignored."""
    failed = [result["group"] for result in results if "problem" in result]
    others = [set(names) for names in ignored]
    unused = [name for name in (ignored[0] if ignored else ()) if all(name in names for names in others)]
    headers = ignored_columns.headers(failed, FAILED)
    dropped = {"dropped": rows.unlabelled} if rows.missing == "drop" else {}
    return ViewResult({"results": results, **dropped}, lambda: headers, table=table, ignored=unused)
