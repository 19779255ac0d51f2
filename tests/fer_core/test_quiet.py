"""Keeping libraries of C++ off the terminal, and nothing else."""

import subprocess
import sys

from tests.conftest import PROJECT


def stderr_of(lines: str) -> str:
    """Return what a process with these lines writes to its standard error."""
    probe = f"import os\nfrom fer_core.quiet import quiet_libraries\n{lines}"
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, cwd=PROJECT
    )
    return done.stderr


def test_what_is_written_within_is_discarded_also_after_an_error():
    lines = """
try:
    with quiet_libraries():
        os.write(2, b"within")
        raise ValueError
except ValueError:
    os.write(2, b"after")
"""
    assert stderr_of(lines) == "after"


def test_threads_that_overlap_leave_standard_error_as_it_was():
    lines = """
import threading, time
def work():
    for _ in range(200):
        with quiet_libraries():
            os.write(2, b"within")
            time.sleep(0)
threads = [threading.Thread(target=work) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
os.write(2, b"after")
"""
    assert stderr_of(lines) == "after"


def test_a_process_without_standard_error_is_no_problem():
    lines = """
import sys
kept = os.dup(2)
os.close(2)
sys.stderr = None
with quiet_libraries():
    pass
os.write(kept, b"went on")
"""
    assert stderr_of(lines) == "went on"
