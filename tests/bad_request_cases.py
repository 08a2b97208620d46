"""The corpus of bad requests: how its files are read, and how each response is checked.

A folder `bad_requests/` holds one TOML file per subject, and each table of a file is a case: the table's name is the
name of the test. Add a case by adding a table. The table `default` holds the keys that all cases of its file share.

    request                "METHOD target", as in an HTTP request line
    headers                the header fields
    body                   text that is sent as UTF-8; `body_base64` holds bytes, `chunks` a list of texts
    raw                    all bytes of the request, in place of the keys above
    expect                 status, type (without its prefix), pointer of the first error, texts that the detail contains
    bulk.body              the same mistake in a body of 100,000 elements, for the code that reads large bodies
    bulk.pointer           the pointer that is then expected

In requests and bodies `{{item * count}}` is the item repeated with commas between, and `{{item *+ count}}` without.
The counts `before`, `after` and `all` are those of the elements before and after the wrong one, and of all elements.
"""

import base64
import json
import random
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

Case = dict[str, Any]

TYPE_PREFIX = "urn:descent:problem:"
BULK_SIZE = 100_000
CHUNK_SIZE = 1 << 16
MAX_RESPONSE_SIZE = 20_000
REPETITION = re.compile(r"\{\{(.+?) (\*\+?) (\w+)\}\}", re.DOTALL)
INTERNALS = re.compile(r"Traceback|\w[Ee]rror\b|\w[Ee]xception\b|<class|\.py\b| object at 0x|site-packages")
KEYS = {"request", "headers", "body", "body_base64", "chunks", "raw", "expect", "bulk"}
EXPECTATIONS = {"status", "type", "pointer", "detail_contains"}

# The models that the cases send requests to.
MODELS = {
    "bad-requests-line": {"x": [1, 2, 3, 4], "y": [1.5, 2.0, 3.5, 4.0]},
    "bad-requests-plane": {"x": {"area": [1, 2, 3, 4], "rooms": [1, 0, 1, 1]}, "y": [1, 2, 3, 5]},
    "bad-requests-steep": {"x": [0, 1e-20], "y": [0, 1e150]},
}


class Response(NamedTuple):
    """A complete HTTP response."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def load(folder: Path) -> dict[str, Case]:
    """Return the cases of all files in `folder` by name."""
    cases: dict[str, Case] = {}
    for path in sorted(folder.glob("*.toml")):
        tables = tomllib.loads(path.read_text("utf-8"))
        default = tables.pop("default", {})
        for name, table in tables.items():
            case = default | table
            unknown = (case.keys() - KEYS) | (case["expect"].keys() - EXPECTATIONS)
            assert not unknown, f"{path.name}, {name}: unknown keys {unknown}"
            assert name not in cases, f"{path.name}: another file has a case {name}"
            cases[name] = case
    assert cases, f"no cases in {folder}"
    return cases


def in_bulk(name: str, case: Case) -> Case:
    """Return the case with its large body; the place of the wrong element is random but fixed by the name."""
    before = random.Random(name).randrange(BULK_SIZE)
    counts = {"before": before, "after": BULK_SIZE - 1 - before, "all": BULK_SIZE}
    expected = {key: case["expect"][key] for key in ("status", "type")}
    if "pointer" in case["bulk"]:
        expected["pointer"] = case["bulk"]["pointer"].format(**counts)
    return case | {"body": expand(case["bulk"]["body"], counts), "expect": expected}


def request_line(case: Case) -> tuple[str, str]:
    """Return the method and the target of the case's request."""
    method, target = expand(case["request"]).split(" ")
    return method, target


def body(case: Case) -> bytes | Iterator[bytes] | None:
    """Return the case's body: its bytes, an iterator over its chunks, or None."""
    if "body_base64" in case:
        return base64.b64decode(case["body_base64"])
    if "chunks" in case:
        return _chunks(case["chunks"])
    return expand(case["body"]).encode() if "body" in case else None


def expand(text: str, counts: Mapping[str, int] | None = None) -> str:
    """Return `text` with its repetitions written out."""

    def repeat(found: re.Match[str]) -> str:
        item, operator, count = found.groups()
        times = (counts or {})[count] if count.isalpha() else int(count)
        return ("" if operator == "*+" else ", ").join([item] * times)

    return REPETITION.sub(repeat, text)


def assert_refused(response: Response, case: Case) -> None:
    """Assert that the response is the problem document that the case expects and reveals no internals."""
    expected = case["expect"]
    assert response.status == expected["status"], response.body[:2000]
    assert response.headers["Content-Type"] == "application/problem+json"
    if response.status == 405:
        assert response.headers["Allow"]
    if case.get("request", "").startswith("HEAD "):
        assert not response.body
        return
    problem = json.loads(response.body)
    assert problem["type"] == TYPE_PREFIX + expected["type"], problem
    assert problem["status"] == response.status
    assert problem["title"]
    assert problem["detail"]
    assert not INTERNALS.search(response.body.decode()), problem
    assert len(response.body) < MAX_RESPONSE_SIZE
    if "pointer" in expected:
        assert problem["errors"][0]["pointer"] == expected["pointer"], problem
    for text in expected.get("detail_contains", []):
        assert text in problem["detail"], problem
    for error in problem.get("errors", []):
        assert re.fullmatch(r"(/([^~]|~0|~1)*)*", error["pointer"], re.DOTALL)
        assert error["detail"]


def _chunks(texts: list[str]) -> Iterator[bytes]:
    for text in texts:
        data = expand(text).encode()
        yield from (data[start : start + CHUNK_SIZE] for start in range(0, len(data), CHUNK_SIZE))
