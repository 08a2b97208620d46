"""Damaged Parquet files do not end the process; scripts/fuzz_parquet.py tries more of them."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_damaged_files_raise_errors_within_a_gigabyte():
    command = [sys.executable, "scripts/fuzz_parquet.py", "1500"]
    fuzz = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert fuzz.stdout == "1500 cases, 0 failures\n", fuzz.stdout + fuzz.stderr
    assert fuzz.returncode == 0
