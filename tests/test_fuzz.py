"""The fuzzer runs, reaches files that are read and files that are refused, and finds nothing at once."""

import subprocess
import sys

import pytest

from tests.conftest import PROJECT


@pytest.mark.parametrize(
    "runs", [200, pytest.param(1000, marks=(pytest.mark.slow, pytest.mark.release))]
)
@pytest.mark.parametrize("target", ["decode", "parse_predictions"])
def test_changed_files_are_read_or_refused(target: str, runs: int):
    command = [sys.executable, "-m", "tests.fuzz", "--target", target, "--runs", str(runs)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    row = done.stdout.strip().splitlines()[-1]
    tried, read, refused = (int(cell.replace(",", "")) for cell in row.split("|")[2:5])
    assert tried >= runs
    assert read > 0
    assert refused > runs / 2
