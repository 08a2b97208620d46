"""Read damaged Parquet files in a child process of bounded memory, and report those that end it.

Usage: python scripts/fuzz_parquet.py [CASES [SEED]]. A case is a file with one or a few changes in its index or its
pages' headers. A case that raises anything but a refusal of the body fails too.
"""

import argparse
import io
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

MEMORY = 1 << 30
"""Bytes that the child may allocate beyond those that its imports take."""
LARGE_NUMBERS = [b"\xff\x7f", b"\xff\xff\x07", b"\x80\x80\x04", b"\xff\xff\xff\xff\x0f", b"\xff" * 9 + b"\x01"]
LIST_HEADS = [bytes([0xF0 | kind]) for kind in (1, 3, 5, 6, 8, 9, 12)] + [b"\x19\xfc", b"\xfc\xa0\x8d\x06"]
PIECES = [*LARGE_NUMBERS, *LIST_HEADS, b"\0", b"\x1c", b"\x16", b"\x18\xff\xff\x7f"]


def originals() -> list[bytes]:
    """Return valid files that have every structure that pyarrow writes to an index."""
    numbers = np.random.default_rng(1).normal(size=60)
    table = pa.table({"x": numbers, "few": np.round(numbers), "y": 3 * numbers})
    options = [
        {"store_schema": True},
        {"row_group_size": 7, "compression": "none"},
        {"write_page_index": True, "write_page_checksum": True, "compression": "zstd"},
        {"data_page_version": "2.0", "use_dictionary": False, "sorting_columns": [parquet.SortingColumn(0)]},
        {"bloom_filter_options": {"few": True}, "compression": "gzip", "data_page_size": 100},
    ]
    return [_written(table, **({"store_schema": False} | each)) for each in options]


def cases(seed: int, count: int) -> Iterator[tuple[int, bytes]]:
    """Yield numbered damaged files; the same seed gives the same files."""
    files = originals()
    for number in range(seed, seed + count):
        draw = np.random.default_rng(number)
        yield number, _damaged(files[number % len(files)], draw)


def _written(table: pa.Table, **options: object) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(table, sink, **options)
    return sink.getvalue()


def _damaged(file: bytes, draw: np.random.Generator) -> bytes:
    size = int.from_bytes(file[-8:-4], "little")
    pages, index = bytearray(file[: -8 - size]), bytearray(file[-8 - size : -8])
    for _ in range(int(draw.geometric(0.7))):
        target = pages if draw.random() < 0.15 else index
        at = int(draw.integers(len(target)))
        piece = PIECES[draw.integers(len(PIECES))]
        match draw.integers(5):
            case 0:
                target[at] ^= 1 << int(draw.integers(8))
            case 1:
                target[at : at + len(piece)] = piece
            case 2:
                target[at:at] = piece
            case 3:
                del target[at : at + int(draw.integers(1, 9))]
            case _:
                start = int(draw.integers(len(target)))
                target[at:at] = target[start : start + int(draw.integers(1, 99))]
    return bytes(pages) + bytes(index) + len(index).to_bytes(4, "little") + file[-4:]


def _child(seed: int, count: int) -> None:
    """Read each case, and write its number to standard output before."""
    from service.errors import DescentError  # noqa: PLC0415 - the parent needs none of it
    from service.formats.binary import parquet as formats  # noqa: PLC0415
    from service.formats.table import Limits  # noqa: PLC0415

    limits = Limits(max_buffered_bytes=1 << 20, max_decompression_ratio=100)
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (in_use + MEMORY, in_use + MEMORY))
    for number, file in cases(seed, count):
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
        try:
            table = formats.read(_Body(file), limits)
            for _ in table.batches(range(table.width)):
                pass
        except DescentError:
            pass


class _Body(io.BytesIO):
    @property
    def size(self) -> int:
        return self.getbuffer().nbytes


def failures(count: int, seed: int) -> Iterator[str]:
    """Yield a line for each case that ends the child."""
    end = seed + count
    while seed < end:
        command = [sys.executable, "-X", "faulthandler", __file__, "--child", str(end - seed), str(seed)]
        child = subprocess.run(command, capture_output=True, text=True, check=False)
        if child.returncode == 0:
            return
        last = int(child.stdout.split()[-1])
        error = " ".join(child.stderr.split()[-40:])
        yield f"case {last} ended the process with status {child.returncode}: {error}"
        seed = last + 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="?", type=int, default=20_000)
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        _child(arguments.seed, arguments.cases)
        return 0
    failed = list(failures(arguments.cases, arguments.seed))
    sys.stdout.write("\n".join([*failed, f"{arguments.cases} cases, {len(failed)} failures\n"]))
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
