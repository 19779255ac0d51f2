"""What the system may keep of the server's memory when it crashes."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux's calls are looked at")

#: PR_GET_DUMPABLE is 3.
PROBE = """
import ctypes, os, resource, sys
from pages.server.dumps import write_no_core_dumps
unlimited = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (unlimited, unlimited))
write_no_core_dumps()
print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), flush=True)
os.chdir(sys.argv[1])
os.abort()
"""
REFUSED = """
import logging
logging.basicConfig(format="%(levelname)s %(message)s")
from pages.server import dumps
dumps._PR_SET_DUMPABLE = 12345
dumps.write_no_core_dumps()
"""


def test_a_crash_leaves_no_memory_behind(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(tmp_path)], cwd=PROJECT, capture_output=True, text=True
    )
    assert done.stdout.strip() == "(0, 0) 0", done.stderr
    assert done.returncode < 0
    assert list(tmp_path.iterdir()) == []


def test_what_the_system_refuses_is_logged():
    done = subprocess.run(
        [sys.executable, "-c", REFUSED], cwd=PROJECT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("WARNING A crash may write photos to a disk")
    assert "Invalid argument" in done.stderr
