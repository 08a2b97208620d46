"""CPU time of parsing the head of a request and matching its route, with and without fields that differ by request.

.venv/bin/python benchmarks/head_cache.py [REPETITIONS=15]

Each repetition measures all kinds of heads in turn. Prints medians and their ratios to a head that is in the cache. The
last kind has no entry in the cache, as each head with an id of its own had while whole heads were cached.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT)]

from service.fastpath.match import match_route  # noqa: E402
from service.server.worker.http_head import HeadParser, parse_head  # noqa: E402

REPETITIONS = int(os.environ.get("REPETITIONS", "15"))
HEADS = 2000
HEAD = (
    b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nUser-Agent: python-httpx/0.28\r\nAccept: */*\r\n"
    b"Accept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\nContent-Type: application/json\r\n"
    b"Content-Length: 8\r\n"
)
TRACE = b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-%016x-01\r\n"
KINDS = {
    "the same head": b"",
    "with traceparent": TRACE,
    "with X-Request-ID": b"X-Request-ID: %016x\r\n",
    "with traceparent, X-Request-ID and Cookie": TRACE + b"X-Request-ID: %016x\r\nCookie: a=%016x\r\n",
}


def heads(fields: bytes) -> list[bytes]:
    """Return heads that differ in the fields."""
    return [HEAD + fields % ((number,) * fields.count(b"%")) + b"\r\n" for number in range(HEADS)]


def microseconds(parse: Callable[[bytes], object], data: list[bytes]) -> float:
    """Return the CPU time of a head."""
    started = time.process_time()
    for head in data:
        parse(head)
    return (time.process_time() - started) / len(data) * 1e6


def main() -> None:
    parser = HeadParser(match_route)
    kinds = {name: (parser.parse, heads(fields)) for name, fields in KINDS.items()}
    kinds["not in the cache"] = (lambda head: match_route(parse_head(head)), heads(b""))
    taken: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(REPETITIONS):
        for name, (parse, data) in kinds.items():
            taken[name].append(microseconds(parse, data))
    least = statistics.median(taken["the same head"])
    for name, values in taken.items():
        median = statistics.median(values)
        print(f"{name:45}{median:6.2f} µs {median / least:6.1f}")


if __name__ == "__main__":
    main()
