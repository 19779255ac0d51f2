"""The fuzzer runs, reaches files that are read and files that are refused, and finds nothing at once."""

import subprocess
import sys

import pytest

from tests.conftest import PROJECT


@pytest.mark.parametrize("target", ["decode", "parse_predictions"])
def test_a_thousand_changed_files_are_read_or_refused(target: str):
    command = [sys.executable, "-m", "tests.fuzz", "--target", target, "--runs", "1000"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    row = done.stdout.strip().splitlines()[-1]
    tried, read, refused = (int(cell.replace(",", "")) for cell in row.split("|")[2:5])
    assert tried >= 1000
    assert read > 0
    assert refused > 500
